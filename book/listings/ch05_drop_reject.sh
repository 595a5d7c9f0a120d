# Run it in a network of its own, with a program that gets a page:
#   unshare -rn sh book/listings/ch05_drop_reject.sh cargo run --bin ch05_patient_client
# ANCHOR: script
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up

# ANCHOR: rules
nft add table inet wall
nft add chain inet wall in '{ type filter hook input priority 0; }'
nft add rule inet wall in tcp dport 7005 drop
nft add rule inet wall in tcp dport 7006 reject with tcp reset
nft add rule inet wall in tcp dport 7007 reject with icmpx type admin-prohibited
# ANCHOR_END: rules

for port in 7005 7006 7007; do
    "$@" "127.0.0.1:$port" / 2000
done
# ANCHOR_END: script
