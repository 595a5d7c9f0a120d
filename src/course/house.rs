//! The learner's clone: where it is, and where everything in it is.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The clone, or the unpacked download. All of its paths are made here.
#[derive(Clone, Debug)]
pub struct House {
    root: PathBuf,
    target: PathBuf,
}

impl House {
    /// Finds it: where cargo says that the package is, else upward from the current folder, else
    /// where this program was built.
    ///
    /// # Errors
    /// A sentence, if it is in none of these places.
    pub fn find() -> Result<House, String> {
        let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let told = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let built = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let upward = here.ancestors().map(Path::to_path_buf);
        let root = told
            .into_iter()
            .chain(upward)
            .chain([built])
            .find(|folder| is_house(folder));
        let Some(root) = root else {
            let here = here.display();
            return Err(format!(
                "{here} is not in the course: go to its folder (the one with `exercises` in it) \
                 and try again"
            ));
        };
        // As cargo reads it: from the current folder.
        let target = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
        let target = target.map_or_else(|| root.join("target"), |folder| here.join(folder));
        Ok(House { root, target })
    }

    /// The folder that holds the root Cargo.toml.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds, unless a file of cargo's configuration says otherwise.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The root Cargo.toml.
    pub fn manifest(&self) -> PathBuf {
        self.root.join("Cargo.toml")
    }

    /// What the learner edits.
    pub fn exercise(&self, name: &str) -> PathBuf {
        self.root
            .join("exercises/src/bin")
            .join(format!("{name}.rs"))
    }

    /// The exercise as shipped.
    pub fn shipped(&self, name: &str) -> PathBuf {
        self.root
            .join("exercises/shipped")
            .join(format!("{name}.rs"))
    }

    /// The three hints.
    pub fn hints(&self, name: &str) -> PathBuf {
        self.root.join("exercises/hints").join(format!("{name}.md"))
    }

    /// The solution: `sol02_echo_server.rs` for `ex02_echo_server`.
    pub fn solution(&self, name: &str) -> PathBuf {
        let rest = name.strip_prefix("ex").unwrap_or(name);
        self.root
            .join("solutions/src/bin")
            .join(format!("sol{rest}.rs"))
    }

    /// The learner's progress.
    pub fn progress(&self) -> PathBuf {
        self.root.join(".wireside-progress")
    }

    /// The book's folder.
    pub fn book(&self) -> PathBuf {
        self.root.join("book")
    }

    /// A chapter's page.
    pub fn page(&self, stem: &str) -> PathBuf {
        self.root.join("book/src").join(format!("{stem}.md"))
    }

    /// A path as one would type it at the root.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

/// Whether this folder's Cargo.toml is the course's, and not that of a program copied out of it.
fn is_house(folder: &Path) -> bool {
    let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else {
        return false;
    };
    let named = manifest
        .lines()
        .any(|line| line.trim() == "name = \"wireside\"");
    named && folder.join("exercises/Cargo.toml").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_the_workspace_is_not_the_house() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(is_house(root));
        assert!(!is_house(&root.join("exercises")));
        assert!(!is_house(&root.join("src")));
    }

    #[test]
    fn an_exercise_and_its_solution_share_the_rest_of_the_name() {
        let house = House {
            root: PathBuf::from("r"),
            target: PathBuf::from("t"),
        };
        let solution = house.solution("ex02_echo_server");
        assert_eq!(
            solution,
            Path::new("r/solutions/src/bin/sol02_echo_server.rs")
        );
        assert_eq!(
            house.shown(&house.page("ch02_echo")).replace('\\', "/"),
            "book/src/ch02_echo.md"
        );
    }
}
