//! A check: a name that is a sentence, why it matters, points, and a conversation.

use super::failure::{Failure, Symptom};
use super::stage::Stage;

/// What a conversation ends with: it went as told, or why it stopped.
pub type Told = Result<(), Stop>;

/// One thing that a submission is judged by. A `const`, usually of about twenty lines.
#[derive(Clone, Copy)]
pub struct Check {
    /// A sentence that holds when the check passes.
    pub name: &'static str,
    /// Why it matters to somebody who writes network programs.
    pub why: &'static str,
    pub points: u32,
    pub run: fn(&Stage) -> Told,
    /// The same bytes without the fault, run only after a failure.
    pub control: Option<Control>,
    /// What the failure probably means; the first that explains the symptom is shown, and only after
    /// the control passed. Without a control there is no fault to single out, and no cause either.
    pub causes: &'static [Cause],
    /// A cause that only more of the failure than its symptom tells; asked before `causes`.
    pub told_by: fn(&Failure) -> Option<Cause>,
    /// Has an upper bound that is tight: runs while nothing else does.
    pub alone: bool,
}

impl Check {
    /// What a check has unless it says otherwise: `..Check::PLAIN`, at the end of every check, so
    /// that a field that is added later needs no edit of all of them.
    pub const PLAIN: Check = Check {
        name: "",
        why: "",
        points: 1,
        run: |_| Ok(()),
        control: None,
        causes: &[],
        told_by: |_| None,
        alone: false,
    };
}

/// The conversation of a check with its fault taken out.
#[derive(Clone, Copy)]
pub struct Control {
    /// What is left, as a noun phrase: `the same frame in one write`.
    pub name: &'static str,
    pub run: fn(&Stage) -> Told,
}

/// An inference: shown as `likely` and `try`, apart from what was observed.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The symptoms that it explains; none: whatever a conversation can come to.
    pub symptoms: &'static [Symptom],
    /// What the program probably does.
    pub likely: &'static str,
    /// What to do about it; never solution code.
    pub advice: &'static str,
}

/// Why a conversation stopped before its end.
#[derive(Debug)]
pub enum Stop {
    /// The submission did something that it must not, or did not what it must.
    Failed(Box<Failure>),
    /// The machine was too busy to tell; the check is run again.
    Inconclusive(String),
    /// The grader itself could not go on: no port left, no descriptor, no folder.
    Broken(String),
    /// Not possible here, or not with a program that is already running.
    Skipped(String),
    /// The submission could not be started at all.
    NotStarted(String),
    /// The port that was chosen for the submission was taken by somebody else meanwhile.
    PortTaken(String),
}

impl Stop {
    /// Adds what else was observed to a failure; any other stop stays what it is.
    pub fn remarked(mut self, remark: impl FnOnce(&Failure) -> Option<String>) -> Stop {
        if let Stop::Failed(failure) = &mut self {
            if let Some(remark) = remark(failure) {
                let gap = if failure.when.is_empty() { "" } else { ", " };
                failure.when = format!("{}{gap}{remark}", failure.when);
            }
        }
        self
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(Box::new(failure))
    }
}

/// The grader's own trouble, with what it was trying.
pub(crate) fn broken(tried: &str) -> impl Fn(std::io::Error) -> Stop + '_ {
    move |err| Stop::Broken(format!("{tried}: {err}"))
}
