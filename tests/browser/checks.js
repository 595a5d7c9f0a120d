// What must hold on every page of the book, as a browser shows it. `wiresideChecks(what)` returns a
// sentence for each fault. Put into the page by the tests; no part of the book.
(function () {
    'use strict';

    const SCROLLS = 'pre > code, .table-wrapper, .play-scroll';

    function seen(element) {
        return element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
    }

    function named(element) {
        const text = (element.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 40);
        const name = element.getAttribute('class') ? '.' + element.getAttribute('class').trim().replace(/\s+/g, '.') : '';
        return '<' + element.tagName.toLowerCase() + name + '>' + (text ? ' “' + text + '”' : '');
    }

    function headings() {
        const faults = [];
        let last = 0;
        const all = Array.from(document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)'));
        all.forEach(function (heading) {
            const level = Number(heading.tagName[1]);
            if (level > last + 1) {
                faults.push(named(heading) + ' comes after level ' + last + ': a level is left out');
            }
            last = level;
        });
        const titles = all.filter(function (heading) { return heading.tagName === 'H1'; });
        if (titles.length !== 1) {
            faults.push('the page has ' + titles.length + ' titles (h1); it must have one');
        }
        return faults;
    }

    function words() {
        const faults = [];
        document.querySelectorAll('main svg').forEach(function (svg) {
            if (svg.closest('.blockquote-tag-title, a.nav-chapters, .buttons')) {
                return; // an icon beside its word, or in a button that has a name
            }
            const label = (svg.getAttribute('aria-label') || '').trim();
            if (svg.getAttribute('role') !== 'img' || label.length < 20) {
                faults.push('a picture without words that replace it: ' + named(svg));
            }
        });
        document.querySelectorAll('main img').forEach(function (img) {
            if (!(img.getAttribute('alt') || '').trim()) {
                faults.push('an image without alt: ' + img.src);
            }
        });
        document.querySelectorAll('main figure').forEach(function (figure) {
            const caption = figure.querySelector('figcaption');
            if (!caption || caption.textContent.trim().length < 10) {
                faults.push('a figure without a caption: ' + named(figure));
            }
        });
        return faults;
    }

    // Nothing is wider than the page, but for what scrolls by itself, and that by keyboard, too.
    function overflow() {
        const faults = [];
        const width = document.documentElement.clientWidth;
        if (document.scrollingElement.scrollWidth > width) {
            faults.push('the page is ' + document.scrollingElement.scrollWidth + ' pixels wide on a screen of ' + width);
        }
        document.querySelectorAll('main, main *').forEach(function (element) {
            if (!seen(element)) {
                return;
            }
            const style = getComputedStyle(element);
            const scrolls = /auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
            if (scrolls && !element.matches(SCROLLS)) {
                faults.push('scrolls sideways, and is no code and no table: ' + named(element));
            } else if (scrolls && element.tabIndex < 0 && document.querySelector('.skip-link')) {
                // Without script the browser has to reach it by itself.
                faults.push('scrolls sideways, and can’t be reached by keyboard: ' + named(element));
            }
            const box = element.getBoundingClientRect();
            const inScroller = element.parentElement && element.parentElement.closest(SCROLLS + ', .skip-link');
            if (!inScroller && box.width > 0 && (box.right > width + 0.6 || box.left < -0.6)) {
                faults.push('reaches out of the screen by ' + Math.round(Math.max(box.right - width, -box.left)) + ' pixels: ' + named(element));
            }
        });
        document.querySelectorAll('main figure svg text').forEach(function (text) {
            const frame = text.closest('figure').getBoundingClientRect();
            const box = text.getBoundingClientRect();
            if (seen(text) && (box.right > frame.right || box.left < frame.left)) {
                faults.push('words leave the figure: ' + named(text));
            }
        });
        return faults;
    }

    // WCAG 2.2, 1.4.3 --------------------------------------------------------------------------

    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

    function rgba(colour) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = '#000';
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return { r: r, g: g, b: b, a: a / 255 };
    }

    function over(top, below) {
        const mix = function (name) { return top[name] * top.a + below[name] * (1 - top.a); };
        return { r: mix('r'), g: mix('g'), b: mix('b'), a: 1 };
    }

    function ground(element) {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor);
            if (colour.a > 0) {
                layers.push(colour);
            }
            if (colour.a === 1) {
                break;
            }
        }
        return layers.reverse().reduce(function (below, layer) { return over(layer, below); }, { r: 255, g: 255, b: 255, a: 1 });
    }

    function luminance(colour) {
        const linear = function (value) {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
        };
        return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b);
    }

    function opacity(element) {
        let share = 1;
        for (let at = element; at; at = at.parentElement) {
            share *= Number(getComputedStyle(at).opacity);
        }
        return share;
    }

    function contrast() {
        const faults = [];
        const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        const known = new Set();
        while (walk.nextNode()) {
            const element = walk.currentNode.parentElement;
            if (!walk.currentNode.data.trim() || !element || element.closest('script, style, noscript, select') || !seen(element) || element.closest(':disabled')) {
                continue;
            }
            const style = getComputedStyle(element);
            const colour = element.closest('svg text') ? style.fill : style.color;
            const behind = ground(element);
            const key = [colour, JSON.stringify(behind), style.fontSize, style.fontWeight, opacity(element)].join();
            if (!known.has(key)) {
                const front = rgba(colour);
                front.a *= opacity(element);
                const pair = [luminance(over(front, behind)), luminance(behind)].sort(function (a, b) { return b - a; });
                const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
                const size = parseFloat(style.fontSize);
                const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
                known.add(key);
                if (ratio < (large ? 3 : 4.5)) {
                    faults.push('a contrast of ' + ratio.toFixed(2) + ' to 1, first at ' + named(element));
                }
            }
        }
        graphics(faults);
        return faults;
    }

    // Lines and marks of a picture, 1.4.11: three to one. Quiet lines of an inline box aren't meant.
    function graphics(faults) {
        const known = new Set();
        document.querySelectorAll('main figure svg :is(path, line, circle, rect, polygon)').forEach(function (shape) {
            if (!seen(shape)) {
                return;
            }
            const style = getComputedStyle(shape);
            const behind = ground(shape);
            ['stroke', 'fill'].forEach(function (name) {
                const front = rgba(style[name] === 'none' ? 'transparent' : style[name]);
                front.a *= opacity(shape);
                const key = [name, style[name], JSON.stringify(behind), front.a].join();
                if (front.a === 0 || known.has(key) || (name === 'fill' && shape.tagName === 'rect')) {
                    return;
                }
                known.add(key);
                const pair = [luminance(over(front, behind)), luminance(behind)].sort(function (a, b) { return b - a; });
                const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
                if (ratio < 3) {
                    faults.push('a line with a contrast of ' + ratio.toFixed(2) + ' to 1: ' + style[name]);
                }
            });
        });
    }

    // Where its links lead, and what can be led to.
    window.wiresideLinks = function () {
        const of = function (selector, name) {
            return Array.from(document.querySelectorAll(selector), function (element) { return element[name]; });
        };
        return {
            links: of('a[href]', 'href').concat(of('link[href]', 'href'), of('script[src]', 'src'), of('img[src]', 'src')),
            ids: of('[id]', 'id')
        };
    };

    window.wiresideChecks = function (what) {
        document.querySelectorAll('main details').forEach(function (details) { details.open = true; });
        window.dispatchEvent(new Event('resize'));
        const all = { headings: headings, words: words, overflow: overflow, contrast: contrast };
        return what.flatMap(function (name) { return all[name](); });
    };

    // Every place in `scope` where a Tab stops is to show the focus.
    window.wiresideFocus = function () {
        const element = document.activeElement;
        const style = getComputedStyle(element);
        const group = element.closest('[data-roving]');
        return {
            key: element.dataset.key || element.dataset.set || element.className || element.tagName,
            tag: element.tagName,
            inFigure: Boolean(element.closest('figure.play')),
            roving: group ? Array.from(group.querySelectorAll('button')).length : 0,
            shown: element.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
        };
    };
})();
