# Run it in a network of its own, with `sum` and a server that sums, or `rude` and one that is:
#   unshare --map-user=1000 --map-group=1000 --keep-caps -n \
#       sh book/listings/ch03_tcpdump.sh sum cargo run --bin ch03_sum_server
# ANCHOR: script
case $1 in
sum)  text='1\n2\n3\n'       option=-N segments=4 ;;
rude) text='3\nthank you\n'  option=-n segments=3 ;;
*)    echo "sum or rude, and a server's command" >&2; exit 2 ;;
esac
shift
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up || exit 1

# What was started here ends with this shell.
folder=$(mktemp -d)
trap 'kill $server $tcpdump 2>/dev/null; rm -r "$folder"' EXIT
"$@" 127.0.0.1:7003 >/dev/null 2>&1 &
server=$!
# SYN is 2 in this byte, FIN 1, RST 4: data and bare ACKs are left out.
tcpdump -i lo -ntl --immediate-mode -c $segments \
    'tcp port 7003 and tcp[13] & 7 != 0' 2>"$folder/ready" &
tcpdump=$!

tries=0
until ss -Htln | grep -q :7003 && grep -q '^listening on' "$folder/ready"; do
    tries=$((tries + 1))
    if [ "$tries" -eq 1000 ]; then
        echo "the server doesn't listen, or tcpdump doesn't:" >&2
        cat "$folder/ready" >&2
        exit 1
    fi
    sleep 0.01
done
printf "$text" | nc $option 127.0.0.1 7003 >/dev/null
wait $tcpdump
# ANCHOR_END: script
