// What Markdown and mdBook's theme can't say: a skip link, terminal sessions, boxes that scroll.
// Plain script, no request to anywhere. Without it every page still reads in full.
(function () {
    'use strict';

    const PROMPT = /^([A-Za-z0-9_-]*\$ )(.*)$/;

    // The first thing a Tab reaches, so that nobody walks through the sidebar on every page.
    function addSkipLink() {
        const main = document.querySelector('main');
        if (!main) {
            return;
        }
        main.id = main.id || 'wireside-text';
        main.tabIndex = -1;
        const link = document.createElement('a');
        link.className = 'skip-link';
        link.href = '#' + main.id;
        link.textContent = 'Skip to the text';
        link.addEventListener('click', function (event) {
            // Without this the fragment would stay in the address, and be shared with it.
            event.preventDefault();
            main.focus();
            main.scrollIntoView();
        });
        document.body.prepend(link);
    }

    // Prompts can't be selected, commands stand out, and what a peer printed isn't coloured as
    // if it were a shell script.
    function dressSession(code) {
        const lines = code.textContent.replace(/\n$/, '').split('\n');
        const commands = [];
        code.textContent = '';
        lines.forEach(function (line, index) {
            if (index > 0) {
                code.append('\n');
            }
            const found = PROMPT.exec(line);
            if (!found) {
                code.append(line);
                return;
            }
            code.append(span('prompt', found[1]), span('command', found[2]));
            commands.push(found[2]);
        });
        const button = code.parentElement.querySelector('.clip-button');
        if (!button) {
            return;
        }
        if (commands.length === 0) {
            button.remove();
            return;
        }
        button.title = 'Copy the commands';
        button.setAttribute('aria-label', button.title);
        // mdBook listens on the body, and would copy the output as well.
        button.addEventListener('click', function (event) {
            event.stopImmediatePropagation();
            copy(commands.join('\n') + '\n', button);
        });
    }

    function span(name, text) {
        const element = document.createElement('span');
        element.className = name;
        element.textContent = text;
        return element;
    }

    function copy(text, button) {
        function say(words) {
            button.querySelector('.tooltiptext').textContent = words;
            button.classList.add('tooltipped');
        }
        if (!navigator.clipboard) {
            say('This browser lets no script copy here.');
            return;
        }
        navigator.clipboard.writeText(text).then(
            function () { say('Copied!'); },
            function () { say('The browser refused to copy.'); }
        );
    }

    // A box that scrolls sideways must be reachable by keyboard; one that fits must not cost a Tab.
    function markScrollers() {
        document.querySelectorAll('main .table-wrapper, main pre > code').forEach(function (box) {
            if (box.scrollWidth > box.clientWidth + 1) {
                box.tabIndex = 0;
                box.setAttribute('role', 'group');
                box.setAttribute('aria-label', box.matches('code') ? 'Code, scrolls sideways' : 'Table, scrolls sideways');
            } else {
                box.removeAttribute('tabindex');
                box.removeAttribute('role');
                box.removeAttribute('aria-label');
            }
        });
    }

    // A link into a closed block opens it: not every browser does that by itself.
    function openTarget() {
        let target = null;
        try {
            target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
        } catch (error) {
            return; // a stray % in the address
        }
        const closed = target && target.closest('details:not([open])');
        if (closed) {
            closed.open = true;
            target.scrollIntoView();
        }
    }

    addSkipLink();
    document.querySelectorAll('pre > code.language-console').forEach(dressSession);
    markScrollers();
    openTarget();
    window.addEventListener('resize', markScrollers);
    window.addEventListener('hashchange', openTarget);
    // What is inside a closed block has no width yet.
    document.addEventListener('toggle', markScrollers, true);
})();
