// The window: the protocol of ch08_window_send and ch08_window_receive, with the reader as the
// network. Eight segments under way, cumulative acknowledgements, what comes early is kept, the
// third acknowledgement of the same number brings the missing one back, and a timer that learns
// (RFC 6298). tests/vectors/window.json says what it must do; the programs must do the same.
(function () {
    'use strict';

    const play = window.wiresidePlay;
    const wire = window.wiresideWire;
    const escape = play.escape;

    const DATA = 1;
    const ACK = 2;
    const END = 3;
    const END_ACK = 4;
    const WINDOW = 8;
    const EXPIRIES = 8;
    const LENGTH = 1024;
    const SEGMENTS = 16;
    const MOST_EARLY = 64;
    const LINGER = 1000;
    const SILENCE = 600000;

    const protocol = {
        begin: function (state) {
            // Times of the timer in nanoseconds, as the program counts them: whole numbers all.
            state.sender = {
                base: 0, under: 0, ending: false, duplicates: 0, recovers: null, timed: null,
                deadline: null, expiries: 0, repeated: 0, srtt: 0, rttvar: 0, rto: 1e9, sampled: false
            };
            state.receiver = { expected: 0, early: [], ended: false, until: null };
            sendNew(state);
        },

        atReceiver: function (state, segment) {
            const receiver = state.receiver;
            if (receiver.until === null && segment.number !== 0) {
                wire.tell(state, 'receiver ignores ' + wire.header(segment));
                wire.speak(state, 'the receiver ignores ' + wire.name(segment) + ': a transfer begins with 0.');
                wire.note(state, 'right', 'ignored');
                return;
            }
            const ahead = segment.number - receiver.expected;
            const before = receiver.expected;
            let what = 'a copy';
            let answer = null;
            if (segment.kind === DATA && !receiver.ended && ahead === 0) {
                receiver.expected += 1;
                while (receiver.early.indexOf(receiver.expected) >= 0) {
                    receiver.early.splice(receiver.early.indexOf(receiver.expected), 1);
                    receiver.expected += 1;
                }
                what = 'writes ' + range(before, receiver.expected - 1);
            } else if (segment.kind === DATA && !receiver.ended && ahead > 0 && ahead <= MOST_EARLY) {
                if (receiver.early.indexOf(segment.number) < 0) {
                    receiver.early.push(segment.number);
                    receiver.early.sort(function (a, b) { return a - b; });
                }
                what = 'keeps ' + segment.number;
            } else if (segment.kind === END && ahead === 0) {
                receiver.ended = true;
                what = 'the file is whole';
                answer = { kind: END_ACK, number: segment.number, length: 0 };
            }
            answer = answer || { kind: ACK, number: receiver.expected, length: 0 };
            if (!receiver.ended || segment.kind === END) {
                receiver.until = state.now + (receiver.ended ? LINGER : SILENCE);
            }
            wire.tell(state, 'receiver takes ' + wire.header(segment) + ', writes ' + LENGTH * (receiver.expected - before));
            wire.note(state, 'right', what);
            wire.speak(state, 'the receiver takes ' + wire.name(segment) + ': ' + what + '.');
            wire.transmit(state, 'receiver', answer);
        },

        atSender: function (state, segment) {
            const heard = hear(state.sender, segment);
            wire.tell(state, 'sender takes ' + wire.header(segment) + ', ' + heard);
            wire.speak(state, 'the sender takes ' + wire.name(segment) + (heard === 'nothing' ? ', which tells it nothing new.' : '.'));
            act(state, heard);
        },

        expires: function (state) {
            const sender = state.sender;
            sender.expiries += 1;
            if (sender.expiries === EXPIRIES) {
                sender.deadline = null;
                sender.gone = true;
                sender.failed = true;
                wire.tell(state, 'sender gives up');
                wire.note(state, 'left', 'gives up');
                wire.speak(state, 'the timer has run out eight times running: the sender gives up.');
                return;
            }
            sender.rto = Math.min(sender.rto * 2, 60e9);
            startTimer(state);
            sender.recovers = sender.base + sender.under;
            act(state, 'missing');
        },

        leaves: function (state) {
            const receiver = state.receiver;
            receiver.until = null;
            receiver.gone = true;
            wire.tell(state, 'receiver ' + (receiver.ended ? 'leaves' : 'gives up'));
            wire.note(state, 'right', receiver.ended ? 'leaves' : 'gives up');
            wire.speak(state, receiver.ended ? 'a second after the last end, the receiver leaves.' : 'ten minutes of silence: the receiver gives up.');
        }
    };

    function range(from, to) {
        return from === to ? String(from) : from + ' to ' + to;
    }

    // What an answer comes to: the sender's half, without network and clock.
    function hear(sender, segment) {
        if (sender.ending) {
            return segment.kind === END_ACK && segment.number === sender.base ? 'done' : 'nothing';
        }
        const advance = segment.number - sender.base;
        if (segment.kind !== ACK || advance < 0 || advance > sender.under || sender.under === 0) {
            return 'nothing';
        }
        if (advance === 0) {
            // The third says that one is missing; a fourth says nothing new.
            sender.duplicates = Math.min(sender.duplicates + 1, 4);
            if (sender.duplicates !== 3 || sender.recovers !== null) {
                return 'nothing';
            }
            sender.recovers = sender.base + sender.under;
            return 'missing';
        }
        sender.under -= advance;
        sender.base = segment.number;
        sender.duplicates = 0;
        const left = sender.recovers === null ? 0 : sender.recovers - segment.number;
        if (left >= 1 && left <= sender.under) {
            return 'advance to gap';
        }
        sender.recovers = null;
        return 'advance';
    }

    function act(state, heard) {
        const sender = state.sender;
        if (heard === 'nothing') {
            sendNew(state);
            return;
        }
        if (heard === 'done') {
            wire.endBar(state, false);
            sender.deadline = null;
            sender.gone = true;
            sender.done = true;
            wire.note(state, 'left', 'all of it has arrived');
            wire.speak(state, 'the sender knows that all of it has arrived.');
            return;
        }
        if (heard !== 'missing') {
            sender.expiries = 0;
            startTimer(state);
            if (sender.timed && sender.base >= sender.timed.number) {
                sample(sender, (state.now - sender.timed.at) * 1e6);
                sender.timed = null;
                // Set before the sample, as in the program: what was learnt is for the next one.
            }
        }
        if (heard === 'missing' || heard === 'advance to gap') {
            // Which of its transmissions will the answer be for? Nobody can tell: no sample.
            sender.timed = null;
            sender.repeated += 1;
            wire.transmit(state, 'sender', segmentAt(sender, sender.base), 'again');
        }
        sendNew(state);
    }

    function segmentAt(sender, number) {
        const isEnd = number === SEGMENTS;
        return { kind: isEnd ? END : DATA, number: number, length: isEnd ? 0 : LENGTH };
    }

    // As many new ones as the window has room for; the end when all before it is acknowledged.
    function sendNew(state) {
        const sender = state.sender;
        const idle = sender.under === 0;
        while (sender.under < WINDOW && !sender.ending) {
            const number = sender.base + sender.under;
            if (number === SEGMENTS && sender.under > 0) {
                break;
            }
            sender.ending = number === SEGMENTS;
            sender.under += 1;
            wire.transmit(state, 'sender', segmentAt(sender, number));
            sender.timed = sender.timed || { number: number + 1, at: state.now };
        }
        if (idle) {
            startTimer(state);
        }
    }

    function startTimer(state) {
        const sender = state.sender;
        // The end isn't waited for with a timer that losses have doubled.
        const wait = sender.ending ? learned(sender) : sender.rto;
        sender.deadline = state.now + Math.ceil(wait / 1e6);
        wire.startBar(state);
    }

    // RFC 6298: (2.2) and (2.3), whole nanoseconds, rounded as the program rounds.
    function sample(sender, rtt) {
        if (sender.sampled) {
            const off = Math.abs(sender.srtt - rtt);
            sender.rttvar = Math.floor(sender.rttvar * 3 / 4) + Math.floor(off / 4);
            sender.srtt = Math.floor(sender.srtt * 7 / 8) + Math.floor(rtt / 8);
        } else {
            sender.srtt = rtt;
            sender.rttvar = Math.floor(rtt / 2);
            sender.sampled = true;
        }
        sender.rto = learned(sender);
    }

    function learned(sender) {
        const rto = sender.srtt + Math.max(10e6, sender.rttvar * 4);
        return Math.max(200e6, Math.min(rto, 60e9));
    }

    const NEXT = Array.from({ length: 60 }, function () { return 'next'; });
    function after(n, events) {
        return NEXT.slice(0, n).concat(events);
    }

    // Each is a vector of the same name.
    const STORIES = {
        'nothing is lost': { events: after(34, []) },
        'one segment is lost': { events: ['drop 2'].concat(after(34, [])) },
        'two are lost': { events: ['drop 2', 'drop 4'].concat(after(36, [])) },
        'an acknowledgement is lost': { events: after(1, ['drop 8']).concat(after(32, [])) },
        'one is late': { events: ['delay 3'].concat(after(36, [])) },
        'the last one is lost': { events: after(16, ['drop 23']).concat(after(20, [])) },
        'all acknowledgements are lost': { events: after(8, ['drop 8', 'drop 9', 'drop 10', 'drop 11', 'drop 12', 'drop 13', 'drop 14', 'drop 15']).concat(after(30, [])) }
    };

    function view(state, still) {
        const sender = state.sender;
        const receiver = state.receiver;
        const timer = sender.deadline === null ? 'The timer is off.' : 'The timer runs out at ' + sender.deadline + ' ms.';
        const doing = sender.done ? 'Knows that all of it has arrived.' : sender.failed ? 'Gave up: eight expiries running.' :
            sender.ending ? 'Everything is acknowledged but the end.' :
                'Under way: ' + range(sender.base, sender.base + sender.under - 1) + '. ' + (sender.duplicates ? 'Ack ' + sender.base + ' came again, ' + (sender.duplicates > 3 ? 'four times or more' : wire.many(sender.duplicates, 'time')) + '.' : 'Waits for an ack above ' + sender.base + '.');
        const listening = receiver.gone ? (receiver.ended ? 'Has left.' : 'Gave up.') : receiver.ended ? 'Has it all.' :
            'Expects ' + receiver.expected + (receiver.early.length ? '; keeps ' + receiver.early.join(', ') : '') + '.';
        const sent = state.datagrams.filter(function (datagram) { return datagram.from === 'sender' && datagram.more !== 'copy'; }).length;
        return '<div class="play-ends">\n<div class="end-a"><p class="play-name">Sender</p>' + boxes('What the sender knows', function (i) {
            return i < sender.base ? ['done', 'acknowledged', '✓'] : i < sender.base + sender.under && !sender.ending ? ['now', 'under way', '→'] : ['', 'waits', ''];
        }) + '<p>' + doing + ' ' + timer + '</p></div>\n<div class="end-b"><p class="play-name">Receiver</p>' + boxes('What the receiver has', function (i) {
            return i < receiver.expected ? ['done', 'written', '✓'] : receiver.early.indexOf(i) >= 0 ? ['now', 'kept', '+'] : ['', 'not here', ''];
        }) + '<p>' + listening + '</p></div>\n</div>\n<p class="play-verdict">It is ' + state.now + ' ms. ' + wire.many(sent, 'transmission') + ', ' +
            sender.repeated + ' of them repeated; ' + Math.min(receiver.expected, SEGMENTS) + ' of ' + SEGMENTS + ' segments are written, each once.</p>\n' + (still ? '' : wire.hands(state)) +
            '<div class="play-scroll" role="group" aria-label="What has happened">\n' + wire.picture(state, 'The window', 22) + '</div>\n' + wire.inWords(state);
    }

    function boxes(label, of) {
        let html = '<ul class="play-boxes" aria-label="' + label + '">';
        for (let i = 0; i < SEGMENTS; i += 1) {
            const is = of(i);
            html += '<li class="' + is[0] + '" aria-label="' + i + ' ' + is[1] + '"><b>' + i + '</b><small aria-hidden="true">' + escape(is[2] || '·') + '</small></li>';
        }
        return html + '</ul>';
    }

    play.add('window', {
        hint: 'Eight segments are under way. Drop one, and let the others arrive.',
        start: wire.begin(protocol), still: wire.run(protocol, STORIES['one segment is lost'].events),
        step: wire.step(protocol, STORIES), view: view, controls: wire.controls(STORIES), says: wire.says, keys: wire.keys,
        run: function (events) { return wire.run(protocol, events); }, stories: STORIES, refuge: '{do:next}'
    });
})();
