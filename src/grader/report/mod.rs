//! Verdicts as text: for a person, and for machines. All of it is made from one [`Report`].
//!
//! [`Report`]: super::verdict::Report

pub mod github;
pub mod gradescope;
pub mod human;
pub mod json;
pub mod junit;
mod plain;
