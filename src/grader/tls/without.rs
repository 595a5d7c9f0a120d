//! Without the feature `tls`, or elsewhere than on Linux: the checks are listed, and can't be run.

use super::{Came, Paper, Signer, Terms, Wire};
use crate::grader::check::Stop;

fn skipped<T>() -> Result<T, Stop> {
    Err(Stop::Skipped(
        if cfg!(feature = "tls") {
            "TLS is graded on Linux only"
        } else {
            "this runner was built without TLS"
        }
        .to_string(),
    ))
}

pub fn authority(_signer: Signer) -> Result<Vec<u8>, Stop> {
    skipped()
}

pub fn files(_paper: Paper) -> Result<(Vec<u8>, Vec<u8>), Stop> {
    skipped()
}

pub fn shake(_wire: Box<dyn Wire>, _terms: &Terms, _serves: bool) -> Result<Came, Stop> {
    skipped()
}

/// There are none.
pub enum Session {}

pub fn shake_again(_wire: Box<dyn Wire>, _session: Session, _terms: &Terms) -> Result<Came, Stop> {
    skipped()
}
