// The frame of every interactive figure: it finds the figure's place on the page, draws, takes
// clicks and keys, says aloud what has changed, and takes steps back.
//
// A figure is a pure function from a state and an event to the next state, and another from a state
// to HTML. The page holds what the second makes of the first state, so a reader without script has
// the whole figure too; a test in a browser compares the two. No request to anywhere.
(function () {
    'use strict';

    const figures = {};

    // Text as HTML.
    function escape(text) {
        return String(text).replace(/[&<>"{]/g, function (c) {
            // A brace, since mdBook takes two of them and a sign for a directive.
            return { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '{': '&#123;' }[c];
        });
    }

    // A figure has:
    //   start     the first state
    //   still     the state that the page shows without script
    //   step      (state, event) → the next state; it changes neither
    //   view      (state, still) → HTML; `still`: nobody can press anything
    //   controls  (state) → HTML, made once; what has data-set holds a value of the state
    //   hint      what one may try first
    //   says      (state, event, last state) → what has changed, in words
    //   keys      (state, key, datagram) → an event, while the focus is in the figure
    //   refuge    the data-key of what gets the focus when its button is drawn no more
    function add(name, figure) {
        figures[name] = figure;
        document.querySelectorAll('figure.play[data-play="' + name + '"]').forEach(function (place) {
            mount(place, figure);
        });
    }

    function mount(place, figure) {
        const still = place.querySelector('.play-still');
        const caption = place.querySelector('figcaption');
        if (!still || place.dataset.live) {
            return;
        }
        place.dataset.live = 'yes';
        let state = figure.start;
        const before = [];
        const controls = box('div', 'play-controls');
        const stage = box('div', 'play-stage');
        const says = box('p', 'play-says');
        says.setAttribute('role', 'status');
        controls.innerHTML = figure.controls(state);
        says.textContent = figure.hint;
        still.replaceWith(controls, says, stage);
        if (caption && !place.hasAttribute('aria-labelledby')) {
            caption.id = caption.id || 'play-' + place.dataset.play + '-caption';
            place.setAttribute('role', 'group');
            place.setAttribute('aria-labelledby', caption.id);
        }
        draw();

        function take(event) {
            const last = state;
            if (event.do === 'undo') {
                if (before.length === 0) {
                    says.textContent = 'This is the beginning.';
                    return;
                }
                state = before.pop();
            } else {
                const next = figure.step(state, event);
                if (next === state) {
                    says.textContent = 'Nothing changes.';
                    return;
                }
                before.push(state);
                state = next;
            }
            draw();
            const words = figure.says(state, event, last);
            // The same words again would not be said again.
            says.textContent = says.textContent === words ? words + '\u00a0' : words;
        }

        // Whatever had the focus has it again, though it was drawn anew.
        function draw() {
            const focused = stage.contains(document.activeElement) && document.activeElement.dataset.key;
            const open = Array.from(stage.querySelectorAll('details[open]'), function (one) { return one.dataset.key; });
            stage.innerHTML = figure.view(state, false);
            stage.querySelectorAll('details').forEach(function (one) {
                one.open = open.indexOf(one.dataset.key) >= 0;
            });
            // What has just happened stands at the bottom.
            stage.querySelectorAll('.play-scroll').forEach(function (scroll) {
                scroll.scrollTop = scroll.scrollHeight;
                if (scroll.scrollHeight > scroll.clientHeight + 1) {
                    scroll.tabIndex = 0;
                }
            });
            if (focused) {
                const again = byKey(focused) || byKey(figure.refuge);
                if (again) {
                    again.focus();
                }
            }
            place.querySelectorAll('[data-set]').forEach(function (input) {
                const value = String(figure.value ? figure.value(state, input.dataset.set) : state[input.dataset.set]);
                if (input !== document.activeElement && input.value !== value) {
                    input.value = value;
                }
            });
        }

        function byKey(key) {
            return key && place.querySelector('[data-key="' + key + '"]');
        }

        place.addEventListener('click', function (event) {
            const button = event.target.closest('[data-do]');
            if (button && place.contains(button)) {
                take(JSON.parse(button.dataset.do));
            }
        });
        place.addEventListener('input', function (event) {
            const name = event.target.dataset && event.target.dataset.set;
            if (name && !event.isComposing) {
                take({ do: 'set', name: name, value: event.target.value });
            }
        });
        place.addEventListener('keydown', function (event) {
            // Arrows turn mdBook's pages, and some letters search in it: not from within a figure.
            event.stopPropagation();
            if (event.ctrlKey || event.altKey || event.metaKey) {
                return;
            }
            if (event.target.matches('input, select')) {
                return;
            }
            const group = event.target.closest('[data-roving]');
            if (group && rove(group, event)) {
                return;
            }
            const row = event.target.closest('[data-datagram]');
            const found = figure.keys && figure.keys(state, event.key, row && Number(row.dataset.datagram));
            if (found) {
                event.preventDefault();
                take(found);
            }
        });
        place.wiresidePlay = { take: take, state: function () { return state; } };
    }

    // Many buttons in a row cost one Tab: arrows go from one to the next.
    function rove(group, event) {
        const all = Array.from(group.querySelectorAll('button'));
        const at = all.indexOf(event.target);
        const row = Number(group.dataset.roving) || 1;
        const to = {
            ArrowLeft: at - 1,
            ArrowRight: at + 1,
            ArrowUp: row > 1 ? at - row : undefined,
            ArrowDown: row > 1 ? at + row : undefined,
            Home: 0,
            End: all.length - 1
        }[event.key];
        if (at < 0 || to === undefined) {
            return false;
        }
        event.preventDefault();
        const next = all[Math.max(0, Math.min(all.length - 1, to))];
        all.forEach(function (button) { button.tabIndex = button === next ? 0 : -1; });
        next.focus();
        return true;
    }

    function box(tag, name) {
        const element = document.createElement(tag);
        element.className = name;
        return element;
    }

    function button(words, event, more) {
        return '<button type="button" data-key="' + escape(JSON.stringify(event).replace(/["\\]/g, '')) + '" data-do="' +
            escape(JSON.stringify(event)) + '"' + (more || '') + '>' + words + '</button>';
    }

    window.wiresidePlay = { add: add, figures: figures, escape: escape, button: button };
})();
