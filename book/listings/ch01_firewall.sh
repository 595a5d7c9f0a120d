# Run it in a network of its own, with a program that scans:
#   unshare -rn sh book/listings/ch01_firewall.sh cargo run --bin ch01_port_scan
# ANCHOR: script
set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up

# Three servers, all alike. They end when this shell does.
servers=
trap 'kill $servers' EXIT
for port in 7001 7002 7003; do
    nc -lk 127.0.0.1 "$port" >/dev/null &
    servers="$servers $!"
done
tries=0
until [ "$(ss -Htln | wc -l)" -eq 3 ]; do
    tries=$((tries + 1))
    if [ "$tries" -eq 1000 ]; then
        echo "the servers don't listen: try nc -lk alone" >&2
        exit 1
    fi
    sleep 0.01
done

# ANCHOR: rules
nft add table inet wall
nft add chain inet wall in '{ type filter hook input priority 0; }'
nft add rule inet wall in tcp dport 7002 drop
nft add rule inet wall in tcp dport 7003 reject
# ANCHOR_END: rules

ss -Htln | awk '{ print "listening on " $4 }' | sort
"$@" 127.0.0.1 7001 7004
# ANCHOR_END: script
