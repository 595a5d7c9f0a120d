//! The grader, proven: by all that is kept under `exercises/shipped`, `solutions`, `tests/right`
//! and `tests/wrong`.

use std::process::{Command, Stdio};

#[test]
fn every_check_passes_the_right_programs_and_catches_the_wrong_ones() {
    let proof = Command::new(env!("CARGO_BIN_EXE_wireside"))
        .arg("prove")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .expect("run the proof");
    let shown = String::from_utf8_lossy(&proof.stdout);
    let said = String::from_utf8_lossy(&proof.stderr);
    // The table is worth reading also where all is well: with `--nocapture`.
    println!("{shown}");
    assert!(proof.status.success(), "{}\n{shown}{said}", proof.status);
}

#[test]
fn bad_usage_of_the_proof_is_exit_status_2() {
    let proof = Command::new(env!("CARGO_BIN_EXE_wireside"))
        .args(["prove", "--rounds", "none"])
        .stdin(Stdio::null())
        .output()
        .expect("run it");
    assert_eq!(proof.status.code(), Some(2));
    let said = String::from_utf8_lossy(&proof.stderr);
    assert!(said.contains("--rounds \"none\""), "{said}");
    assert!(proof.stdout.is_empty());
}
