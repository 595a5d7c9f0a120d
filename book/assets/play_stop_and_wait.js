// Stop and wait: the protocol of ch08_send_file and ch08_receive_file, with the reader as the
// network. tests/vectors/stop_and_wait.json says what it must do; the two programs must do the same.
(function () {
    'use strict';

    const play = window.wiresidePlay;
    const wire = window.wiresideWire;
    const escape = play.escape;

    const DATA = 1;
    const ACK = 2;
    const END = 3;
    const END_ACK = 4;
    const TIMEOUT = 200;
    const TRANSMISSIONS = 10;
    const LINGER = 1000;
    const SILENCE = 10000;

    // A file of 2,600 bytes in three segments.
    const LENGTHS = [1024, 1024, 552];
    const NAMES = ['A', 'B', 'C'];

    const protocol = {
        begin: function (state) {
            state.sender = { number: 0, transmissions: 0, deadline: null, repeated: 0 };
            state.receiver = { expected: 0, ended: false, written: 0, until: null };
            send(state);
        },

        atReceiver: function (state, segment) {
            const receiver = state.receiver;
            // Half of an old transfer isn't the beginning of this one.
            if (receiver.until === null && segment.number !== 0) {
                wire.tell(state, 'receiver ignores ' + wire.header(segment));
                wire.speak(state, 'the receiver ignores ' + wire.name(segment) + '.');
                wire.note(state, 'right', 'ignored');
                return;
            }
            const inTurn = segment.number === receiver.expected;
            let answer = null;
            let written = 0;
            if (segment.kind === DATA && inTurn && !receiver.ended) {
                written = segment.length;
                receiver.expected += 1;
                receiver.written += written;
            } else if (segment.kind === END && inTurn) {
                receiver.ended = true;
                answer = { kind: END_ACK, number: segment.number, length: 0 };
            }
            // A copy, or too early: what is expected is said again.
            answer = answer || { kind: ACK, number: receiver.expected, length: 0 };
            if (!receiver.ended || segment.kind === END) {
                receiver.until = state.now + (receiver.ended ? LINGER : SILENCE);
            }
            wire.tell(state, 'receiver takes ' + wire.header(segment) + ', writes ' + written);
            const what = written > 0 ? 'writes ' + NAMES[segment.number] : answer.kind === END_ACK ? 'the file is whole' : 'a copy: not written';
            wire.note(state, 'right', what);
            wire.speak(state, 'the receiver takes ' + wire.name(segment) + (written > 0 ? ', and writes ' + NAMES[segment.number] : answer.kind === END_ACK ? ': the file is whole' : ': a copy, which is not written') + '.');
            wire.transmit(state, 'receiver', answer);
        },

        atSender: function (state, segment) {
            const sender = state.sender;
            const isEnd = sender.number === LENGTHS.length;
            const isAnswer = isEnd ? segment.kind === END_ACK && segment.number === sender.number :
                segment.kind === ACK && segment.number === sender.number + 1;
            wire.tell(state, 'sender takes ' + wire.header(segment) + (isAnswer ? ', an answer' : ', not an answer'));
            if (!isAnswer) {
                // Neither sent again for it, nor the timer set anew.
                wire.speak(state, 'the sender takes ' + wire.name(segment) + ', an old one: its timer runs on.');
                wire.note(state, 'left', 'old: no matter');
                return;
            }
            wire.endBar(state, false);
            wire.speak(state, 'the sender takes ' + wire.name(segment) + '.');
            sender.transmissions = 0;
            if (isEnd) {
                sender.deadline = null;
                sender.gone = true;
                sender.done = true;
                wire.note(state, 'left', 'all of it has arrived');
                wire.speak(state, 'the sender knows that all of it has arrived.');
                return;
            }
            sender.number += 1;
            send(state);
        },

        expires: function (state) {
            const sender = state.sender;
            if (sender.transmissions === TRANSMISSIONS) {
                sender.deadline = null;
                sender.gone = true;
                sender.failed = true;
                wire.tell(state, 'sender gives up');
                wire.note(state, 'left', 'gives up');
                wire.speak(state, 'segment ' + sender.number + ' was sent 10 times, and no answer came: the sender gives up.');
                return;
            }
            sender.repeated += 1;
            send(state);
        },

        leaves: function (state) {
            const receiver = state.receiver;
            receiver.until = null;
            receiver.gone = true;
            wire.tell(state, 'receiver ' + (receiver.ended ? 'leaves' : 'gives up'));
            wire.note(state, 'right', receiver.ended ? 'leaves' : 'gives up');
            wire.speak(state, receiver.ended ? 'a second after the last end, the receiver leaves.' : '10 s of silence: the receiver gives up.');
        }
    };

    function send(state) {
        const sender = state.sender;
        const isEnd = sender.number === LENGTHS.length;
        sender.transmissions += 1;
        sender.deadline = state.now + TIMEOUT;
        wire.transmit(state, 'sender', {
            kind: isEnd ? END : DATA, number: sender.number, length: isEnd ? 0 : LENGTHS[sender.number]
        }, sender.transmissions > 1 ? 'again' : '');
        wire.startBar(state);
    }

    const NEXT = Array.from({ length: 9 }, function () { return 'next'; });
    function after(n, events) {
        return NEXT.slice(0, n).concat(events);
    }

    // Each is a vector of the same name.
    const STORIES = {
        'nothing is lost': { events: after(9, []) },
        'an acknowledgement is lost': { events: after(1, ['drop 1']).concat(after(9, [])) },
        'a segment is lost': { events: after(2, ['drop 2']).concat(after(8, [])) },
        'a segment is late': { events: after(2, ['delay 2']).concat(after(9, [])) },
        'a segment comes twice': { events: ['twice 0'].concat(after(9, ['next', 'next'])) },
        'the last acknowledgement is lost': { events: after(7, ['drop 7']).concat(after(4, [])) },
        'the receiver has left': {
            events: after(7, ['drop 7', 'next', 'drop 8', 'next', 'drop 9', 'next', 'drop 10', 'next', 'drop 11', 'next', 'drop 12']).concat(after(14, []))
        },
        'the line is cut': { events: ['drop 0', 'next', 'drop 1', 'next', 'drop 2', 'next', 'drop 3', 'next', 'drop 4', 'next', 'drop 5', 'next', 'drop 6', 'next', 'drop 7', 'next', 'drop 8', 'next', 'drop 9', 'next'] }
    };

    function view(state, still) {
        const sender = state.sender;
        const receiver = state.receiver;
        const isEnd = sender.number === LENGTHS.length;
        const doing = sender.done ? 'Knows that all of it has arrived.' :
            sender.failed ? 'Gave up: segment ' + sender.number + ' was sent 10 times, and no answer came.' :
                'Waits for ' + (isEnd ? 'end-ack ' + sender.number : 'ack ' + (sender.number + 1)) + '; transmission ' + sender.transmissions + ' of at most 10.';
        const timer = sender.deadline === null ? 'The timer is off.' : 'The timer runs out at ' + sender.deadline + ' ms.';
        const has = NAMES.slice(0, Math.min(receiver.expected, NAMES.length));
        const listening = receiver.gone ? (receiver.ended ? 'Has left.' : 'Gave up.') :
            receiver.ended ? 'Has it all; stays until ' + receiver.until + ' ms, in case its answer is lost.' : 'Expects segment ' + receiver.expected + '.';
        const sent = state.datagrams.filter(function (datagram) { return datagram.from === 'sender' && datagram.more !== 'copy'; }).length;
        return '<div class="play-ends">\n<div class="end-a"><p class="play-name">Sender</p>' + tiles(function (i) { return i < sender.number ? 'done' : i === sender.number ? 'now' : ''; }, ['acknowledged', 'under way', 'waits']) +
            '<p>' + doing + ' ' + timer + '</p></div>\n<div class="end-b"><p class="play-name">Receiver</p>' + tiles(function (i) { return i < has.length ? 'done' : ''; }, ['written once', '', 'not yet']) + '<p>' + listening +
            '</p></div>\n</div>\n<p class="play-verdict">It is ' + state.now + ' ms. ' + wire.many(sent, 'transmission') + '; the receiver has written ' +
            (has.length ? has.join(', ') + ', each once' : 'nothing yet') + '.</p>\n' + (still ? '' : wire.hands(state)) +
            '<div class="play-scroll" role="group" aria-label="What has happened">\n' + wire.picture(state, 'Stop and wait') + '</div>\n' + wire.inWords(state);
    }

    function tiles(of, words) {
        return '<ul class="play-tiles" aria-label="The file">' + NAMES.map(function (name, i) {
            const is = of(i);
            const word = is === 'done' ? words[0] : is === 'now' ? words[1] : words[2];
            return '<li class="' + is + '"><b>' + name + '</b> <small>' + escape(word) + '</small></li>';
        }).join('') + '</ul>';
    }

    play.add('stop_and_wait', {
        hint: 'Data 0 is under way. Let it arrive, or drop it.',
        start: wire.begin(protocol), still: wire.run(protocol, STORIES['an acknowledgement is lost'].events),
        step: wire.step(protocol, STORIES), view: view, controls: wire.controls(STORIES), says: wire.says, keys: wire.keys,
        run: function (events) { return wire.run(protocol, events); }, stories: STORIES, refuge: '{do:next}'
    });
})();
