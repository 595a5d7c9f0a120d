// Reads are not messages: what one byte stream, cut anywhere, is to three receivers.
//
// Its logic is `run`. tests/vectors/reads.json says what it must give; the same file is given to
// Rust's `read_until` and to the FrameReader of ch04_frame_server.
(function () {
    'use strict';

    const play = window.wiresidePlay;
    const escape = play.escape;

    const HEADER = 4;
    const MAX_FRAME = 1 << 20;
    const LF = 10;
    const MOST = 12; // bytes of a message: what fits on a phone

    const start = {
        first: 'hello',
        second: 'world!',
        third: '',
        mark: 'length',
        buffer: '64',
        // As in the recorded run of chapter 4: in the first payload, and in the second length.
        cuts: [6, 11]
    };

    // The bytes of a message as it is typed; \n is an LF.
    function bytesOf(text) {
        const all = Array.from(new TextEncoder().encode(text.replace(/\\n/g, '\n')));
        return all.slice(0, MOST);
    }

    function messagesOf(state) {
        const texts = [state.first, state.second, state.third];
        return texts.filter(function (text) { return text !== ''; }).map(bytesOf);
    }

    // What goes out: each message with its mark.
    function encoded(message, mark) {
        if (mark === 'length') {
            const n = message.length;
            return [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].concat(message);
        }
        return mark === 'lf' ? message.concat(LF) : message;
    }

    // All that follows from messages (arrays of bytes), mark, cuts and buffer.
    function run(messages, mark, cuts, buffer) {
        const pieces = messages.map(function (message) { return encoded(message, mark); });
        const stream = [].concat.apply([], pieces);
        const reads = readsOf(stream, cuts, buffer);
        return {
            stream: stream,
            reads: reads,
            oneRead: oneRead(reads, mark),
            lines: lines(reads),
            frames: frames(reads)
        };
    }

    // A read waits until something is there, and takes what is there up to its buffer's size. What
    // stands between two cuts arrives together, and is read before the next comes.
    function readsOf(stream, cuts, buffer) {
        const ends = cuts.filter(function (cut) { return cut > 0 && cut < stream.length; });
        const sorted = Array.from(new Set(ends)).sort(function (a, b) { return a - b; });
        const reads = [];
        let from = 0;
        sorted.concat(stream.length).forEach(function (end) {
            for (; from < end; from = Math.min(end, from + buffer)) {
                reads.push(stream.slice(from, Math.min(end, from + buffer)));
            }
        });
        return reads;
    }

    // The mistake: what a read returned is taken for a message. The mark is taken off where it would
    // stand if that were true.
    function oneRead(reads, mark) {
        const steps = reads.map(function (read) {
            if (mark === 'length') {
                return { messages: [read.slice(HEADER)], held: [] };
            }
            const ends = mark === 'lf' && read[read.length - 1] === LF;
            return { messages: [ends ? read.slice(0, -1) : read], held: [] };
        });
        return { steps: steps, end: { left: 0 } };
    }

    // Keeps what has come until its LF is there.
    function lines(reads) {
        let held = [];
        const steps = reads.map(function (read) {
            const messages = [];
            held = held.concat(read);
            for (let at = held.indexOf(LF); at >= 0; at = held.indexOf(LF)) {
                messages.push(held.slice(0, at));
                held = held.slice(at + 1);
            }
            return { messages: messages, held: held };
        });
        return { steps: steps, end: { left: held.length } };
    }

    // Keeps what has come until its frame is whole.
    function frames(reads) {
        let held = [];
        let error = '';
        const steps = reads.map(function (read) {
            const messages = [];
            held = error ? held : held.concat(read);
            while (!error && held.length >= HEADER) {
                const length = ((held[0] << 24) | (held[1] << 16) | (held[2] << 8) | held[3]) >>> 0;
                if (length > MAX_FRAME) {
                    error = 'frame too long: ' + length + ' bytes';
                } else if (held.length < HEADER + length) {
                    break;
                } else {
                    messages.push(held.slice(HEADER, HEADER + length));
                    held = held.slice(HEADER + length);
                }
            }
            return { messages: messages, held: held, error: error };
        });
        return { steps: steps, end: { left: held.length, error: error || truncated(held) } };
    }

    function truncated(held) {
        if (held.length === 0) {
            return '';
        }
        if (held.length < HEADER) {
            return 'truncated after ' + held.length + ' of ' + HEADER + ' bytes';
        }
        const length = ((held[0] << 24) | (held[1] << 16) | (held[2] << 8) | held[3]) >>> 0;
        return 'truncated after ' + (held.length - HEADER) + ' of ' + length + ' bytes';
    }

    function of(state) {
        return run(messagesOf(state), state.mark, state.cuts, Number(state.buffer));
    }

    function step(state, event) {
        const next = Object.assign({}, state);
        const stream = of(state).stream;
        if (event.do === 'set') {
            next[event.name] = event.value;
            next.cuts = state.cuts.filter(function (cut) { return cut < of(next).stream.length; });
        } else if (event.do === 'cut') {
            const is = state.cuts.indexOf(event.at) >= 0;
            next.cuts = is ? state.cuts.filter(function (cut) { return cut !== event.at; }) : state.cuts.concat(event.at);
        } else if (event.do === 'nowhere') {
            next.cuts = [];
        } else if (event.do === 'everywhere') {
            next.cuts = stream.slice(1).map(function (_, index) { return index + 1; });
        } else if (event.do === 'between') {
            next.cuts = endsOf(state);
        } else if (event.do === 'inside') {
            next.cuts = endsOf(state).concat(stream.length).map(function (end) { return end - 2; });
        } else {
            return state;
        }
        next.cuts = next.cuts.filter(function (cut) { return cut > 0; }).sort(function (a, b) { return a - b; });
        return next;
    }

    // Where one message ends and the next begins.
    function endsOf(state) {
        let at = 0;
        const ends = messagesOf(state).map(function (message) { return (at += encoded(message, state.mark).length); });
        return ends.slice(0, -1);
    }

    // Words ---------------------------------------------------------------------------------------

    function hex(byte) {
        return (byte < 16 ? '0' : '') + byte.toString(16);
    }

    function shown(bytes) {
        return '“' + bytes.map(function (byte) {
            if (byte === LF) {
                return '\\n';
            }
            return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '\\x' + hex(byte);
        }).join('') + '”';
    }

    function cell(byte) {
        return byte === LF ? 'LF' : byte > 32 && byte < 127 ? String.fromCharCode(byte) : byte === 32 ? '␣' : hex(byte);
    }

    function many(n, word) {
        return n + ' ' + word + (n === 1 ? '' : 's');
    }

    function same(messages, found) {
        return JSON.stringify(messages) === JSON.stringify(found);
    }

    const NAMES = { oneRead: 'One read, one message', lines: 'Line reader', frames: 'Frame reader' };
    const RULES = {
        oneRead: 'Takes what a read returned for a message.',
        lines: 'Keeps what has come until its LF is there.',
        frames: 'Keeps what has come until as many bytes are there as the length says.'
    };

    function verdict(state, receiver, result) {
        const sent = messagesOf(state);
        const found = [].concat.apply([], result.steps.map(function (step) { return step.messages; }));
        const wrong = result.end.error || (result.end.left ? many(result.end.left, 'byte') + ' left over, and no end of a line' : '');
        if (same(sent, found) && !wrong) {
            return {
                right: true,
                words: receiver === 'oneRead' ? 'Right, by luck: every read ends where a message does.' : 'Right: what was sent, however it was cut.'
            };
        }
        if (receiver === 'lines' && state.mark !== 'lf') {
            return { right: false, words: 'Wrong: the sender ends no message with an LF' + (wrong ? '; ' + wrong : '') + '.' };
        }
        if (receiver === 'lines' && sent.some(function (message) { return message.indexOf(LF) >= 0; })) {
            return { right: false, words: 'Wrong: ' + many(found.length, 'line') + ' of ' + many(sent.length, 'message') + '; an LF stood inside one.' };
        }
        if (receiver === 'frames' && state.mark !== 'length') {
            return { right: false, words: 'Wrong: the sender sends no length; ' + (wrong || 'it cut where the bytes happened to say') + '.' };
        }
        return { right: false, words: 'Wrong: ' + many(sent.length, 'message') + (sent.length === 1 ? ' was' : ' were') + ' sent, and it has ' + (same(sent.length, found.length) ? 'others' : found.length) + '.' };
    }

    function says(state) {
        const all = of(state);
        const rights = Object.keys(NAMES).map(function (receiver) {
            return NAMES[receiver] + ': ' + (verdict(state, receiver, all[receiver]).right ? 'right' : 'wrong');
        });
        return many(all.stream.length, 'byte') + ', ' + many(all.reads.length, 'read') + '. ' + rights.join('. ') + '.';
    }

    // The picture ---------------------------------------------------------------------------------

    function view(state, still) {
        const all = of(state);
        return '<div class="play-parts">\n' + stream(state, all, still) + reads(all) +
            '<div class="play-receivers">\n' + Object.keys(NAMES).map(function (receiver) {
                return card(state, receiver, all[receiver]);
            }).join('') + '</div>\n</div>\n';
    }

    function stream(state, all, still) {
        const starts = [];
        all.reads.reduce(function (sum, read, index) {
            starts[sum] = index + 1;
            return sum + read.length;
        }, 0);
        let at = 0;
        let html = '<p class="play-label">The byte stream, ' + many(all.stream.length, 'byte') +
            (still ? '' : '. Press between two bytes to cut there') + '</p>\n';
        const first = state.cuts.length > 0 ? state.cuts[0] : 1;
        html += still ? '<div class="bytes" role="img" aria-label="' + escape(inWords(all)) + '">\n' :
            '<div class="bytes" role="group" data-roving aria-label="Where TCP cuts; arrow keys go from place to place">\n';
        messagesOf(state).forEach(function (message, index) {
            const bytes = encoded(message, state.mark);
            bytes.forEach(function (byte, i) {
                if (at > 0) {
                    html += gap(state, all.stream, at, still, at === first);
                }
                const isMark = state.mark === 'length' ? i < HEADER : state.mark === 'lf' && i === message.length;
                html += '<span class="byte' + (index % 2 ? ' odd' : '') + (isMark ? ' mark' : '') + (starts[at] ? ' begins' : '') + '"' + (still ? '' : ' aria-hidden="true"') + '>' +
                    '<i>' + (i === 0 ? 'msg ' + (index + 1) : '') + '</i><b>' + escape(cell(byte)) + '</b><small>' +
                    (starts[at] ? 'read ' + starts[at] : '') + '</small></span>\n';
                at += 1;
            });
        });
        return html + '</div>\n';
    }

    function gap(state, stream, at, still, reached) {
        const cut = state.cuts.indexOf(at) >= 0;
        if (still) {
            return '<span class="gap' + (cut ? ' cut' : '') + '"></span>\n';
        }
        const words = 'cut after byte ' + at + ', between ' + cell(stream[at - 1]) + ' and ' + cell(stream[at]);
        return '<button type="button" class="gap' + (cut ? ' cut' : '') + '" data-key="gap' + at + '" aria-pressed="' + cut +
            '" tabindex="' + (reached ? 0 : -1) + '" aria-label="' + escape(words) + '" data-do="' +
            escape(JSON.stringify({ do: 'cut', at: at })) + '"></button>\n';
    }

    function inWords(all) {
        return 'The stream in ' + many(all.reads.length, 'piece') + ': ' + all.reads.map(shown).join(', ') + '.';
    }

    function reads(all) {
        const shownReads = all.reads.slice(0, 8).map(function (read) {
            return '<li><code>' + escape(shown(read)) + '</code> <span class="play-quiet">Ok(' + read.length + ')</span></li>\n';
        });
        const more = all.reads.length - 8;
        return '<p class="play-label">What each <code>read</code> returns</p>\n<ol class="play-reads">\n' + shownReads.join('') +
            (more > 0 ? '<li class="play-more">and ' + many(more, 'read') + ' more</li>\n' : '') +
            '</ol>\n';
    }

    function card(state, receiver, result) {
        const is = verdict(state, receiver, result);
        const rows = [];
        let quiet = null;
        result.steps.forEach(function (step, index) {
            if (step.messages.length === 0) {
                // Reads that complete nothing share a row.
                quiet = { from: quiet ? quiet.from : index, to: index, held: step.held, error: step.error };
                return;
            }
            if (quiet) {
                rows.push(waiting(quiet));
                quiet = null;
            }
            rows.push('<li><span class="play-quiet">read ' + (index + 1) + '</span> ' + step.messages.map(function (message) {
                return '<code class="message">' + escape(shown(message)) + '</code>';
            }).join(' ') + (step.error ? ' ' + failed(step.error) : step.held.length ? ' <span class="play-quiet">keeps</span> <code>' + escape(shown(step.held)) + '</code>' : '') + '</li>\n');
        });
        if (quiet) {
            rows.push(waiting(quiet));
        }
        const more = rows.length - 8;
        if (more > 0) {
            rows.splice(8, more, '<li class="play-more">and ' + many(more, 'row') + ' more</li>\n');
        }
        return '<div class="receiver ' + (is.right ? 'right' : 'wrong') + '">\n<p class="play-name">' + NAMES[receiver] + '</p>\n<p class="play-rule">' +
            RULES[receiver] + '</p>\n<ul>\n' + rows.join('') + '</ul>\n<p class="verdict"><span aria-hidden="true">' + (is.right ? '✓' : '✗') + '</span> ' +
            escape(is.words) + '</p>\n</div>\n';
    }

    function failed(error) {
        return '<span class="play-lost">' + escape(error) + '</span>';
    }

    function waiting(quiet) {
        const which = quiet.from === quiet.to ? 'read ' + (quiet.from + 1) : 'reads ' + (quiet.from + 1) + ' to ' + (quiet.to + 1);
        const what = quiet.error ? failed(quiet.error) : '<span class="play-quiet">nothing yet, keeps</span> <code>' + escape(shown(quiet.held)) + '</code>';
        return '<li><span class="play-quiet">' + which + '</span> ' + what + '</li>\n';
    }

    function controls() {
        function text(name, label) {
            return '<label>' + label + '<input type="text" data-set="' + name + '" maxlength="' + MOST + '" size="9" autocomplete="off" spellcheck="false"></label>\n';
        }
        function choice(name, label, options) {
            return '<label>' + label + '<select data-set="' + name + '">' + options.map(function (option) {
                return '<option value="' + option[0] + '">' + option[1] + '</option>';
            }).join('') + '</select></label>\n';
        }
        return '<div class="play-row" role="group" aria-label="What is written">\n' + text('first', 'message 1') + text('second', 'message 2') +
            text('third', 'message 3') + '</div>\n<div class="play-row">\n' +
            choice('mark', 'its end is marked', [['length', 'by a length before it'], ['lf', 'by an LF behind it'], ['none', 'by nothing']]) +
            choice('buffer', 'a read has room for', [1, 2, 4, 8, 16, 64].map(function (n) { return [n, many(n, 'byte')]; })) +
            '</div>\n<div class="play-row" role="group" aria-label="Where TCP cuts">\n' +
            play.button('one piece', { do: 'nowhere' }) + play.button('between messages', { do: 'between' }) +
            play.button('inside messages', { do: 'inside' }) + play.button('every byte', { do: 'everywhere' }) +
            play.button('undo', { do: 'undo' }) + '</div>\n';
    }

    // Backspace takes the last step back, as undo does.
    function keys(state, key) {
        return { u: { do: 'undo' }, Backspace: { do: 'undo' } }[key];
    }

    play.add('reads', {
        hint: 'Cut somewhere else, or have something else sent.',
        start: start, still: start, step: step, view: view, controls: controls, says: says, keys: keys, of: of, refuge: 'gap1'
    });
})();
