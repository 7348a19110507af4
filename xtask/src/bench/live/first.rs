//! The first build of dynamic tables beside that of plain tables of the same queries.

use super::history::{MONTHS, generate, millstream};
use super::settings::number;
use crate::bench::measure::{measure, median};
use crate::bench::scene::{RUNS, Scene};

/// Measures both on the same history.
pub fn run(scene: &Scene) -> Result<(), String> {
    let (history, users) = (number("HISTORY", 10_000_000)?, number("USERS", 10_000)?);
    let project = scene.project("live-first-project")?;
    generate(scene, &project, "2025", "1", MONTHS, history / MONTHS, users)?;
    millstream(scene, &project, &["ingest"])?;
    millstream(scene, &project, &["seed"])?;
    let settings = project.join("dbt_project.yml");
    let dynamic = std::fs::read_to_string(&settings).map_err(|error| error.to_string())?;
    let plain = dynamic.replace("else 'dynamic_table'", "else 'table'");
    if plain == dynamic {
        return Err("the project has no dynamic tables".into());
    }
    let (mut of_dynamic, mut of_plain) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        for (text, figures) in [(&dynamic, &mut of_dynamic), (&plain, &mut of_plain)] {
            std::fs::write(&settings, text).map_err(|error| error.to_string())?;
            figures.push(measure(scene, &project, &[&scene.binary, "--quiet", "run", "--full-refresh"])?);
        }
    }
    let (dynamic, plain) = (median(of_dynamic), median(of_plain));
    println!("first build of every model, {history} rows");
    println!("  dynamic tables: {:.2} s, peak {:.0} MiB", dynamic.seconds, dynamic.peak_mib);
    println!("  plain tables:   {:.2} s, peak {:.0} MiB", plain.seconds, plain.peak_mib);
    println!("  {:.2}x", dynamic.seconds / plain.seconds);
    Ok(())
}
