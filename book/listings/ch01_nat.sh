# Run it in a network of its own, with a program that serves and connects:
#   unshare -rn sh book/listings/ch01_nat.sh cargo run --bin ch01_five_tuple
set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
seen=$(mktemp)
server=

# The server and what it printed are gone when this shell ends.
trap 'rm "$seen"; kill $server 2>/dev/null' EXIT

# Waits until the server has printed these words, or has ended.
sees() {
    until grep -q "$1" "$seen"; do
        kill -0 "$server" || { echo "the server ended and didn't print: $1" >&2; exit 1; }
        sleep 0.01
    done
}

# ANCHOR: rules
nft add table ip router
nft add chain ip router out '{ type nat hook postrouting priority 100; }'
nft add rule ip router out tcp dport 7001 snat to 127.0.0.9
# ANCHOR_END: rules

"$@" 127.0.0.1:7001 >"$seen" 2>/dev/null &
server=$!
sees listening
echo "the client says: $("$@" connect 127.0.0.1:7001)"
sees 'tcp from'
echo "the server says: $(grep 'tcp from' "$seen")"
