//! The book in a real browser: what must hold on every page, for everybody who reads it, and the
//! interactive figures, by their test vectors and by keyboard.
//!
//! Needs Chromium (`CHROMIUM` names another one) and mdBook, and skips by name what it lacks.

mod browser;
mod built;
mod figures;
mod pages;
#[path = "../support/mod.rs"]
mod support;
mod websocket;
