// A sender, a receiver and the network between them, where the reader is the network: what the
// figures of chapter 8 share. The protocols are in their own files; here are the clock, the
// datagrams under way, what can be done to them, and the picture.
//
// Times are whole milliseconds. One run of events gives one trace, line by line; tests/vectors hold
// such traces, and Rust's senders and receivers must give the same.
(function () {
    'use strict';

    const play = window.wiresidePlay;
    const escape = play.escape;

    const TRIP = 40; // one way
    const LATE = 250; // what a delay adds: more than a timer's 200
    const COPY = 20; // how far a copy is behind
    const GAP = 5; // between datagrams that leave together
    const MOST = 400; // datagrams of one run
    const KINDS = { 1: 'data', 2: 'ack', 3: 'end', 4: 'end-ack' };

    function hex(n, digits) {
        return n.toString(16).padStart(digits, '0');
    }

    // A segment's header as it is on the wire: type u8, seq u32, length u16.
    function header(segment) {
        return hex(segment.kind, 2) + hex(segment.number >>> 0, 8) + hex(segment.length || 0, 4);
    }

    function many(n, word) {
        return n + ' ' + word + (n === 1 ? '' : 's');
    }

    function name(segment) {
        return KINDS[segment.kind] + ' ' + segment.number;
    }

    function begin(protocol) {
        const state = {
            now: 0, story: '', datagrams: [], rows: [], trace: [], spoken: [], burst: 0,
            sender: {}, receiver: {}, bars: []
        };
        newRow(state);
        protocol.begin(state);
        return state;
    }

    function newRow(state) {
        state.rows.push({ at: state.now, left: '', right: '' });
        state.burst = 0;
    }

    function tell(state, line) {
        state.trace.push(state.now + ' ' + line);
    }

    function speak(state, words) {
        state.spoken.push('At ' + state.now + ' ms: ' + words);
    }

    // What stands beside the lane: a few words, at most two lines of 14.
    function note(state, side, words) {
        state.rows[state.rows.length - 1][side] = words;
    }

    // Puts a segment on the wire.
    function transmit(state, from, segment, more) {
        if (state.burst > 0) {
            const at = state.burst;
            newRow(state);
            state.burst = at;
        }
        state.datagrams.push({
            id: state.datagrams.length, from: from, segment: segment, fate: 'under way',
            at: state.now + TRIP + GAP * state.burst, row: state.rows.length - 1, more: more || ''
        });
        state.burst += 1;
        tell(state, from + ' sends ' + header(segment));
        speak(state, 'the ' + from + ' sends ' + name(segment) + (more ? ', ' + more : '') + '.');
    }

    function underWay(state) {
        const all = state.datagrams.filter(function (datagram) { return datagram.fate === 'under way'; });
        return all.sort(function (a, b) { return a.at - b.at || a.id - b.id; });
    }

    // What happens next, if nobody interferes: an arrival before a timer of the same moment.
    function coming(state) {
        const first = underWay(state)[0];
        const all = [];
        if (first) {
            all.push({ at: first.at, rank: 0, datagram: first.id });
        }
        if (state.sender.deadline != null) {
            all.push({ at: state.sender.deadline, rank: 1 });
        }
        if (state.receiver.until != null) {
            all.push({ at: state.receiver.until, rank: 2 });
        }
        return all.sort(function (a, b) { return a.at - b.at || a.rank - b.rank; })[0];
    }

    function apply(protocol, before, event) {
        const state = structuredClone(before);
        const datagram = state.datagrams[event.id];
        if (event.do === 'next') {
            const next = coming(state);
            if (!next || state.datagrams.length > MOST) {
                return before;
            }
            state.now = next.at;
            newRow(state);
            if (next.rank === 0) {
                arrive(protocol, state, state.datagrams[next.datagram]);
            } else if (next.rank === 1) {
                tell(state, 'timer expires');
                speak(state, 'the timer runs out.');
                endBar(state, true);
                note(state, 'left', 'timer runs out');
                protocol.expires(state);
            } else {
                protocol.leaves(state);
            }
            return state;
        }
        if (!datagram || datagram.fate !== 'under way') {
            return before;
        }
        if (event.do === 'drop') {
            datagram.fate = 'lost';
            tell(state, 'lost ' + header(datagram.segment));
            speak(state, name(datagram.segment) + ' is lost.');
        } else if (event.do === 'delay') {
            datagram.at += LATE;
            datagram.late = true;
            tell(state, 'late ' + header(datagram.segment));
            speak(state, name(datagram.segment) + ' is delayed by ' + LATE + ' ms.');
        } else if (event.do === 'twice' && state.datagrams.length <= MOST) {
            const copy = Object.assign({}, datagram, { id: state.datagrams.length, at: datagram.at + COPY, more: 'copy' });
            state.datagrams.push(copy);
            tell(state, 'twice ' + header(datagram.segment));
            speak(state, name(datagram.segment) + ' is doubled.');
        } else {
            return before;
        }
        return state;
    }

    function arrive(protocol, state, datagram) {
        const to = datagram.from === 'sender' ? 'receiver' : 'sender';
        datagram.end = state.rows.length - 1;
        if (state[to].gone) {
            datagram.fate = 'unheard';
            tell(state, to + ' is gone ' + header(datagram.segment));
            speak(state, name(datagram.segment) + ' arrives, and the ' + to + ' has gone.');
            note(state, to === 'sender' ? 'left' : 'right', 'has gone');
            return;
        }
        datagram.fate = 'arrived';
        (to === 'receiver' ? protocol.atReceiver : protocol.atSender)(state, datagram.segment);
    }

    // The timer's bar beside the sender's lane.
    function startBar(state) {
        endBar(state, false);
        state.bars.push({ from: state.rows.length - 1 });
    }

    function endBar(state, expired) {
        const last = state.bars[state.bars.length - 1];
        if (last && last.to === undefined) {
            last.to = state.rows.length - 1;
            last.expired = expired;
        }
    }

    // The events of one run: "next", "drop 3", "delay 3", "twice 3".
    function parse(text) {
        const parts = text.split(' ');
        return parts.length > 1 ? { do: parts[0], id: Number(parts[1]) } : { do: parts[0] };
    }

    function run(protocol, events) {
        return events.map(parse).reduce(function (state, event) { return apply(protocol, state, event); }, begin(protocol));
    }

    function step(protocol, stories) {
        return function (state, event) {
            if (event.do === 'set' && event.name === 'story') {
                const next = run(protocol, (stories[event.value] || { events: [] }).events);
                next.story = event.value;
                return next;
            }
            if (event.do === 'again') {
                return begin(protocol);
            }
            if (event.do === 'finish') {
                let next = state;
                for (let i = 0; i < 400 && coming(next); i += 1) {
                    next = apply(protocol, next, { do: 'next' });
                }
                return next;
            }
            const next = apply(protocol, state, event);
            if (next !== state) {
                next.story = '';
            }
            return next;
        };
    }

    // The picture ---------------------------------------------------------------------------------

    const LEFT = 108;
    const RIGHT = 252;
    const CLIENT = 'var(--wire-a, #1b5e9e)';
    const SERVER = 'var(--wire-b, #8a4100)';
    const LOST = 'var(--wire-lost, #a91d2b)';
    const NOTE = 'var(--wire-note, #565b63)';

    function picture(state, title, high) {
        const height = high || 36;
        const top = 40;
        const y = function (row) { return top + row * height; };
        const flying = underWay(state);
        const notes = function (row) { return Math.max(wrap(row.left).length + (row.left ? 1 : 0), wrap(row.right).length); };
        const bottom = y(state.rows.length - (flying.length > 0 ? 0 : 1)) + 12 + 13 * notes(state.rows[state.rows.length - 1]);
        const parts = [];
        function text(x, at, words, anchor, colour, more) {
            parts.push('<text x="' + x + '" y="' + at + '"' + (anchor === 'start' ? '' : ' text-anchor="' + anchor + '"') +
                (colour ? ' style="fill: ' + colour + '"' : '') + (more || '') + '>' + escape(words) + '</text>');
        }
        function line(path, colour, more) {
            parts.push('<path d="' + path + '" fill="none" style="stroke: ' + colour + '"' + (more || ' stroke-width="1.5"') + '/>');
        }
        text(LEFT, 16, 'sender', 'middle', '', ' font-weight="bold"');
        text(RIGHT, 16, 'receiver', 'middle', '', ' font-weight="bold"');
        line('M' + LEFT + ' 24V' + bottom + 'M' + RIGHT + ' 24V' + bottom, NOTE, ' stroke-width="1"');
        state.bars.forEach(function (bar) {
            const end = bar.to === undefined ? y(state.rows.length - 1) + 14 : y(bar.to);
            line('M' + (LEFT - 5) + ' ' + y(bar.from) + 'V' + end, bar.expired ? LOST : NOTE, ' stroke-width="4"' + (bar.expired ? '' : ' opacity="0.75"'));
        });
        const labels = [];
        state.datagrams.forEach(function (datagram) {
            arrow(datagram, line, parts, labels, y, state, height);
        });
        parts.push.apply(parts, labels);
        let last = -1;
        state.rows.forEach(function (row, index) {
            if (row.at !== last) {
                text(2, y(index) + 4, row.at + ' ms', 'start', NOTE);
                last = row.at;
            }
            wrap(row.left).forEach(function (words, i) { text(LEFT - 12, y(index) + 17 + 13 * i, words, 'end'); });
            wrap(row.right).forEach(function (words, i) { text(RIGHT + 8, y(index) + 4 + 13 * i, words, 'start'); });
        });
        const words = title + '. ' + state.spoken.join(' ');
        return '<svg viewBox="0 0 360 ' + bottom + '" role="img" aria-label="' + escape(words) +
            '" font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="11" fill="currentColor">\n' +
            parts.join('\n') + '\n</svg>\n';
    }

    function arrow(datagram, line, parts, labels, y, state, high) {
        const right = datagram.from === 'sender';
        const colour = datagram.fate === 'lost' || datagram.fate === 'unheard' ? LOST : right ? CLIENT : SERVER;
        const from = { x: right ? LEFT : RIGHT, y: y(datagram.row) };
        const to = { x: right ? RIGHT : LEFT, y: 0 };
        let words = name(datagram.segment) + (datagram.more ? ', ' + datagram.more : '');
        if (datagram.fate === 'lost') {
            to.x = (from.x * 0.35 + to.x * 0.65);
            to.y = from.y + 18;
            words += ', lost';
        } else if (datagram.fate === 'under way') {
            to.y = Math.max(y(state.rows.length - 1) + 14, from.y + 14);
            to.x = from.x + (to.x - from.x) * 0.85;
        } else {
            to.y = y(datagram.end);
        }
        const dx = to.x - from.x;
        const dy = to.y - from.y;
        const long = Math.hypot(dx, dy);
        const ux = dx / long;
        const uy = dy / long;
        const tip = function (back, aside) {
            return Math.round(to.x - ux * back - uy * aside) + ' ' + Math.round(to.y - uy * back + ux * aside);
        };
        line('M' + from.x + ' ' + from.y + 'L' + (datagram.fate === 'arrived' ? tip(6, 0) : tip(0, 0)), colour,
            ' stroke-width="1.5"' + (datagram.fate === 'under way' ? ' stroke-dasharray="4 4"' : ''));
        if (datagram.fate === 'lost' || datagram.fate === 'unheard') {
            const x = Math.round(to.x);
            const at = Math.round(to.y);
            line('M' + (x - 5) + ' ' + (at - 5) + 'l10 10m0 -10l-10 10', LOST, ' stroke-width="2.5"');
        } else if (datagram.fate === 'arrived') {
            parts.push('<path d="M' + tip(0, 0) + 'L' + tip(9, 4.5) + 'L' + tip(9, -4.5) + 'Z" style="fill: ' + colour + '"/>');
        }
        // On its line; where lines are long and cross, near its start.
        const near = dy > 60 && high > 30;
        const share = datagram.fate === 'lost' ? 0.5 : near ? 16 / dy : 0.42;
        const beside = near ? (right ? 7 : -7) : 0;
        const anchor = near ? (right ? 'start' : 'end') : 'middle';
        labels.push('<text x="' + Math.round(from.x + dx * share + beside) + '" y="' + Math.round(from.y + dy * share + (near ? 2 : -3)) +
            '" text-anchor="' + anchor + '" paint-order="stroke" stroke-width="4" stroke-linejoin="round" style="fill: ' + colour +
            '; stroke: var(--bg, #fff)">' + escape(words) + '</text>');
    }

    function wrap(words) {
        const lines = [];
        words.split(' ').filter(Boolean).forEach(function (word) {
            const last = lines.length - 1;
            if (last >= 0 && (lines[last] + ' ' + word).length <= 14) {
                lines[last] += ' ' + word;
            } else {
                lines.push(word);
            }
        });
        return lines;
    }

    // Each datagram under way, with what may befall it.
    function hands(state) {
        const all = underWay(state);
        if (all.length === 0) {
            return '<p class="play-label">Nothing is under way.</p>\n';
        }
        return '<p class="play-label">Under way: be the network</p>\n<ul class="play-hands" data-roving="3">\n' + all.map(function (datagram, index) {
            const what = name(datagram.segment) + (datagram.more ? ', ' + datagram.more : '');
            const act = function (word, verb, first) {
                return play.button(word, { do: verb, id: datagram.id }, ' aria-label="' + escape(word + ' ' + what) + '" tabindex="' + (first && index === 0 ? 0 : -1) + '"');
            };
            return '<li data-datagram="' + datagram.id + '"><span>' + escape(what) + (datagram.from === 'sender' ? ' →' : ' ←') + ' <span class="play-quiet">at ' + datagram.at + ' ms</span></span> ' +
                act('drop', 'drop', true) + act('delay', 'delay') + act('double', 'twice') + '</li>\n';
        }).join('') + '</ul>\n';
    }

    function inWords(state) {
        return '<details data-key="words"><summary>The same in words</summary>\n<ol class="play-words">\n' + state.spoken.map(function (words) {
            return '<li>' + escape(words) + '</li>\n';
        }).join('') + '</ol>\n</details>\n';
    }

    function controls(stories) {
        return function () {
            return '<div class="play-row">\n' + play.button('what happens next', { do: 'next' }, ' class="play-main"') +
                play.button('undo', { do: 'undo' }) + play.button('to the end', { do: 'finish' }) + play.button('from the start', { do: 'again' }) +
                '<label>or a story<select data-set="story"><option value="">your own</option>' + Object.keys(stories).map(function (story) {
                    return '<option value="' + escape(story) + '">' + escape(story) + '</option>';
                }).join('') + '</select></label>\n</div>\n' +
                '<p class="play-quiet">Keys, while the focus is in the figure: <kbd>n</kbd> next, <kbd>u</kbd> undo; <kbd>d</kbd> drop, <kbd>l</kbd> delay (late), <kbd>t</kbd> double (twice) ' +
                'the datagram that has the focus, or the first to arrive.</p>\n';
        };
    }

    function keys(state, key, datagram) {
        const first = underWay(state)[0];
        const id = datagram == null ? first && first.id : datagram;
        const verbs = { d: 'drop', l: 'delay', t: 'twice' };
        if (verbs[key]) {
            return id === undefined ? null : { do: verbs[key], id: id };
        }
        return { n: { do: 'next' }, u: { do: 'undo' } }[key];
    }

    // What the event has added.
    function says(state, event, last) {
        if (event.do !== 'next' && event.id === undefined) {
            return state.spoken[state.spoken.length - 1];
        }
        const when = 'At ' + state.now + ' ms: ';
        return when + state.spoken.slice(last.spoken.length).map(function (words, i) {
            const rest = words.slice(when.length);
            return i === 0 ? rest : rest[0].toUpperCase() + rest.slice(1);
        }).join(' ');
    }

    window.wiresideWire = {
        begin: begin, apply: apply, run: run, step: step, transmit: transmit, tell: tell, speak: speak, note: note,
        startBar: startBar, endBar: endBar, header: header, name: name, picture: picture, hands: hands, inWords: inWords,
        controls: controls, many: many, keys: keys, says: says, coming: coming, underWay: underWay
    };
})();
