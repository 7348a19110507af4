//! Carries out the steps of a plan, many at once.
//!
//! Guarantees: a step starts when all that it needs has succeeded and all that it follows has ended; of steps that
//! are ready at once the one whose name comes first starts first (in refreshes the one for which the longest line of
//! others waits); a step whose need failed is skipped, and so is
//! everything after the first failure of a run that fails fast, and everything left when a run is cancelled. Every
//! step and every gate has exactly one result.

pub(crate) mod hooks;
pub(crate) mod known;
mod outcome;
mod published;
mod relation;
mod same;
pub(crate) mod session;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use millstream_core::{Error, Result};
use millstream_project::Node;
use tokio::task::JoinSet;

use crate::plan::{Plan, Step, Work};
use crate::{Event, NodeResult, Status};
pub(crate) use outcome::{Outcome, label};
use session::{Session, Slot};

/// What one step's task brings back.
struct Ended {
    step: usize,
    /// The step's own result, then those of its gates in the order in which they ended.
    results: Vec<NodeResult>,
    /// Whether what needs the step may go on.
    is_good: bool,
}

/// Where each step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Good,
    Bad,
}

/// Carries out the plan and gives every node's result, in the order in which they ended. `record` is told the
/// results of each step as it ends.
pub(crate) async fn carry_out(
    session: &Arc<Session>,
    plan: Arc<Plan>,
    fail_fast: bool,
    record: impl Fn(&[NodeResult]) -> Result<()>,
) -> Result<Vec<NodeResult>> {
    let mut board = Board::new(&plan, session);
    let mut running: JoinSet<Result<Ended>> = JoinSet::new();
    let mut all = Vec::with_capacity(plan.total());
    let mut stop: Option<String> = None;
    loop {
        if session.cancel.is_cancelled() {
            stop.get_or_insert_with(|| "because the run was cancelled".to_owned());
        }
        if let Some(reason) = &stop {
            let skipped = board.skip_waiting(session, reason);
            record(&skipped)?;
            all.extend(skipped);
        }
        if board.ready.is_empty() && running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            Some(ended) = running.join_next() => {
                let ended = ended.map_err(|error| Error::ours("a step ended badly").why(error))??;
                record(&ended.results)?;
                if fail_fast && ended.results.iter().any(|result| result.status.is_failure()) {
                    stop.get_or_insert_with(|| "because an earlier node failed and the run fails fast".to_owned());
                }
                all.extend(ended.results);
                let skipped = board.end(session, ended.step, ended.is_good);
                record(&skipped)?;
                all.extend(skipped);
            }
            slot = session.slot(), if !board.ready.is_empty() => {
                let slot = slot?;
                if let Some(step) = board.start_next() {
                    let node = node_of(session, &plan.steps[step].unique_id)?.clone();
                    // Told here and not in the task, so that starts are told in the order in which they are made.
                    let outcome = Outcome::start(session, &node, &slot);
                    let failed_gates = board.gates_without_input(step);
                    let start = Start { step, node, outcome, slot, failed_gates };
                    running.spawn(run_step(Arc::clone(session), Arc::clone(&plan), start));
                }
            }
            () = session.cancel.cancelled(), if stop.is_none() => {}
        }
    }
    Ok(all)
}

/// Skips every step.
pub(crate) fn skip_all(session: &Session, plan: &Plan, reason: &str) -> Vec<NodeResult> {
    Board::new(plan, session).skip_waiting(session, reason)
}

/// A step that has its place and is told to have started.
struct Start {
    step: usize,
    node: Node,
    outcome: Outcome,
    slot: Slot,
    /// Gates that cannot run, because another node that they read has no new version.
    failed_gates: BTreeSet<usize>,
}

async fn run_step(session: Arc<Session>, plan: Arc<Plan>, start: Start) -> Result<Ended> {
    let Start { step: number, node, outcome, slot, failed_gates } = start;
    let step = &plan.steps[number];
    let results = match step.work {
        Work::Relation => relation::carry_out(&session, &node, step, &failed_gates, slot, outcome).await?,
        Work::Test => vec![crate::test::carry_out(&session, &node, &[], slot, outcome).await],
        Work::UnitTest => vec![crate::unit_test::carry_out(&session, &node, slot, outcome).await],
        Work::Clone => vec![crate::materialize::clone::carry_out(&session, &node, slot, outcome).await],
        Work::Compile => vec![compile(&session, &node, slot, outcome).await],
    };
    // Tests that ran after publication cannot keep a version back, but what reads it must not go on.
    let is_good = results.first().is_some_and(|own| own.status != Status::Skipped)
        && !results.iter().any(|result| result.status.is_failure());
    Ok(Ended { step: number, results, is_good })
}

/// The place is held until the end.
async fn compile(session: &Arc<Session>, node: &Node, _slot: Slot, mut outcome: Outcome) -> NodeResult {
    if node.is_python() {
        // There is nothing to render, and documentation shows the model all the same.
        return outcome.end(session, Status::Success, None);
    }
    let compiled = session.cancel.race(session.compile(node, &[])).await;
    match compiled {
        Ok(compiled) => {
            outcome.compiled(session, &compiled);
            outcome.end(session, Status::Success, None)
        }
        Err(error) => outcome.fail(session, &error),
    }
}

pub(crate) fn node_of<'a>(session: &'a Session, unique_id: &str) -> Result<&'a Node> {
    session.node(unique_id).ok_or_else(|| Error::ours(format!("{unique_id} is in the plan but not in the project")))
}

/// Which steps wait, run and ended.
struct Board<'a> {
    plan: &'a Plan,
    states: Vec<State>,
    /// Steps that need or follow each step.
    waiting_for: Vec<Vec<usize>>,
    missing: Vec<usize>,
    /// Ready steps: those that most others wait for one after the other, then by name, then by number.
    ready: BTreeSet<(Reverse<usize>, String, usize)>,
    names: Vec<String>,
    /// Steps in the longest line that waits for each step, where that decides.
    lines: Vec<usize>,
}

impl<'a> Board<'a> {
    fn new(plan: &'a Plan, session: &Session) -> Self {
        let steps = &plan.steps;
        let mut waiting_for = vec![Vec::new(); steps.len()];
        for (number, step) in steps.iter().enumerate() {
            for needed in step.needs.union(&step.after) {
                waiting_for[*needed].push(number);
            }
        }
        let missing: Vec<usize> = steps.iter().map(|step| step.needs.union(&step.after).count()).collect();
        let name = |step: &Step| session.node(&step.unique_id).map(|node| node.name.clone());
        let names: Vec<String> = steps.iter().map(|step| name(step).unwrap_or_default()).collect();
        // Of refreshes the last mart counts, of a user's builds that they start in an order that he knows.
        let lines = if session.known.is_some() { lines(&waiting_for, &missing) } else { vec![0; steps.len()] };
        let (states, ready) = (vec![State::Waiting; steps.len()], BTreeSet::new());
        let mut board = Self { plan, states, waiting_for, missing, ready, names, lines };
        for step in 0..steps.len() {
            if board.missing[step] == 0 {
                board.is_ready(step);
            }
        }
        board
    }

    fn is_ready(&mut self, step: usize) {
        self.ready.insert((Reverse(self.lines[step]), self.names[step].clone(), step));
    }

    fn start_next(&mut self) -> Option<usize> {
        let (_, _, step) = self.ready.pop_first()?;
        self.states[step] = State::Running;
        Some(step)
    }

    /// The gates of a step that cannot run, because another node that they read has no new version.
    fn gates_without_input(&self, step: usize) -> BTreeSet<usize> {
        let is_bad = |other: &usize| self.states[*other] != State::Good;
        let gates = self.plan.steps[step].gates.iter().enumerate();
        gates.filter(|(_, gate)| gate.others.iter().any(is_bad)).map(|(number, _)| number).collect()
    }

    /// Notes a step's end; steps that become ready are ready, steps that cannot run any more are skipped.
    fn end(&mut self, session: &Session, step: usize, is_good: bool) -> Vec<NodeResult> {
        self.states[step] = if is_good { State::Good } else { State::Bad };
        let mut skipped = Vec::new();
        let mut ended = vec![step];
        while let Some(step) = ended.pop() {
            for waiting in self.waiting_for[step].clone() {
                self.missing[waiting] -= 1;
                let is_needed = self.plan.steps[waiting].needs.contains(&step);
                if self.states[waiting] == State::Waiting && is_needed && self.states[step] == State::Bad {
                    let needed = &self.plan.steps[step];
                    let is_test = matches!(needed.work, Work::Test | Work::UnitTest);
                    let verb = if is_test { "did not pass" } else { "was not built" };
                    let reason = format!("because {} {verb}", needed.unique_id);
                    skipped.extend(self.skip(session, waiting, &reason));
                    ended.push(waiting);
                } else if self.states[waiting] == State::Waiting && self.missing[waiting] == 0 {
                    self.is_ready(waiting);
                }
            }
        }
        skipped
    }

    fn skip_waiting(&mut self, session: &Session, reason: &str) -> Vec<NodeResult> {
        self.ready.clear();
        let waiting: Vec<usize> = (0..self.states.len()).filter(|step| self.states[*step] == State::Waiting).collect();
        waiting.into_iter().flat_map(|step| self.skip(session, step, reason)).collect()
    }

    fn skip(&mut self, session: &Session, step: usize, reason: &str) -> Vec<NodeResult> {
        self.states[step] = State::Bad;
        let plan_step = &self.plan.steps[step];
        let gates = plan_step.gates.iter().map(|gate| &gate.unique_id);
        std::iter::once(&plan_step.unique_id)
            .chain(gates)
            .filter_map(|id| session.node(id))
            .map(|node| Outcome::skip(session, node, reason))
            .collect()
    }
}

/// For each step, how many steps stand in the longest line of those that wait for it.
fn lines(waiting_for: &[Vec<usize>], missing: &[usize]) -> Vec<usize> {
    let mut missing = missing.to_vec();
    let mut order: Vec<usize> = (0..missing.len()).filter(|step| missing[*step] == 0).collect();
    let mut at = 0;
    while let Some(step) = order.get(at).copied() {
        at += 1;
        for waiting in &waiting_for[step] {
            missing[*waiting] -= 1;
            if missing[*waiting] == 0 {
                order.push(*waiting);
            }
        }
    }
    let mut lines = vec![0; missing.len()];
    for step in order.into_iter().rev() {
        lines[step] = waiting_for[step].iter().map(|waiting| lines[*waiting] + 1).max().unwrap_or(0);
    }
    lines
}

/// Tells that a node ended.
pub(crate) fn tell_end(session: &Session, index: usize, label: &str, result: &NodeResult) {
    session.events.on(&Event::NodeFinished { index, total: session.total, label, result });
}
