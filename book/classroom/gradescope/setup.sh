#!/usr/bin/env bash
# Gradescope runs this once, as root, when the image of the autograder is made. There is a network
# now; everything that grading needs is fetched and built here.
set -euo pipefail

AUTOGRADER=${AUTOGRADER:-/autograder}
COURSE=${COURSE:-$AUTOGRADER/course}
REPOSITORY=${REPOSITORY:-https://github.com/wireside/wireside}

apt-get update
apt-get install -y --no-install-recommends build-essential ca-certificates curl git \
    libssl-dev pkg-config python3

curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
    sh -s -- -y --profile minimal --default-toolchain stable
export PATH="$HOME/.cargo/bin:$PATH"

git clone "$REPOSITORY" "$COURSE"
cd "$COURSE"
# The commit that you have handed out: else points may be added while the assignment runs.
git checkout --quiet "${COMMIT:-HEAD}"
cargo fetch --locked
cargo build --locked --package exercises
cargo build --locked --package exercises --features tls --target-dir target/tls
# Both graders, with TLS and without.
cargo course doctor --tls

# What is handed in can include a file of this machine when it is compiled: no answers are left.
rm -rf .git tests
for solution in solutions/src/bin/*.rs; do
    echo 'fn main() {}' > "$solution"
done

# Programs run as this user, who can neither read the course nor write the results.
useradd --system --no-create-home submission
chmod 700 "$COURSE" "$AUTOGRADER/source"
