//! The answers at the end of the demo: each question's chart, cut to its first bars.

use std::sync::Arc;

use super::{Demo, Step};
use crate::chart::{self, Chart};
use crate::commands::report::{Reports, analyses, title};
use crate::output::{Look, Sink};

/// Bars of one answer; `millstream report` shows all.
const BARS_SHOWN: usize = 4;

impl Demo<'_> {
    /// Answers the project's questions on standard output.
    pub(super) async fn answers(&self) -> Step<()> {
        use std::io::Write;

        let project = Arc::new(self.project()?);
        let reports = Reports::open(project.clone(), self.context).await?;
        let look = Look::of_terminal();
        let mut sink = Sink::stdout();
        for node in analyses(&project) {
            let answer = reports.answer(node).await?;
            let Some(mut chart) = Chart::declared(&node.meta, &answer)? else { continue };
            let more = chart.bars.len().saturating_sub(BARS_SHOWN);
            chart.bars.truncate(BARS_SHOWN);
            chart.title = match more {
                0 => format!("{} ({})", title(node), chart.title),
                more => format!("{} ({}; {more} more)", title(node), chart.title),
            };
            write!(sink, "{}", chart::render(&chart, look))?;
        }
        sink.finish(Ok(()))?;
        Ok(())
    }
}
