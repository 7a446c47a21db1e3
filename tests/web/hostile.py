"""Words that would like to be more than words.

Whatever of them ever runs calls `canary`; `WATCH` counts that. `RUNNING` really run where text
becomes HTML (a test proves it), so that a page on which none ran has shown them as text.
"""

WATCH = """
window.canaries = [];
window.canary = (what) => { canaries.push(String(what)); };
"""
"""Before a page's own scripts."""

RUNNING = (
    "<img src=x: onerror=canary(1)>",
    "<svg onload=canary(2)></svg>",
    "<svg><animate onbegin=canary(3) attributeName=x dur=1s></svg>",
    "</title><svg onload=canary(4)></svg>",
    "</script><img src=x: onerror=canary(5)>",
    "<!--><img src=x: onerror=canary(6)>-->",
    "<style onload=canary(7)>*{}</style>",
    "<iframe srcdoc='<img src=x: onerror=parent.canary(8)>'></iframe>",
    "<details open ontoggle=canary(9)>",
    "<input autofocus onfocus=canary(10)>",
    "</textarea><img src=x: onerror=canary(11)>",
    "</noscript><img src=x: onerror=canary(12)>",
    "<math><mi><img src=x: onerror=canary(13)></mi></math>",
    "<video><source onerror=canary(14)></video>",
    "]]><img src=x: onerror=canary(15)>",
    "<iMg\tsRc=x:\toNeRrOr=canary(16) x",
    "</bdi></h1><svg/onload=canary(17)></svg>",
    "\u2028<img src=x: onerror=canary(18)>\u2029",
    "\ufeff<img\u000csrc=x:\u000conerror=canary(19)>",
)
"""HTML that runs by itself once it is parsed."""

TEMPLATES = (
    "{{ 7 * 7 }}",
    "{{ title|length }}",
    "{% for x in range(3) %}x{% endfor %}",
    "${canary(31)} #{canary(32)} <%= canary(33) %>",
    "{name} {host} {count} {0} {name.__class__} %s %(name)s %n",
    "$& $1 $` $' $$",
)

BREAKING = (
    "<script>canary(40)</script>",
    '"><script>canary(41)</script>',
    "' onmouseover=canary(42) autofocus onfocus=canary(43) x='",
    '" onfocus="canary(44)" autofocus tabindex="0',
    "`-canary(45)-`",
    '"}]}</script><script>canary(46)</script>',
    "\\u003cscript\\u003ecanary(47)\\u003c/script\\u003e",
    '\\";canary(48);//',
    "<!--<script>",
    "--></script></style></template></svg></noscript>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<form action=//evil.example><button>Log in</button></form>",
    "<dialog open>Sign in at evil.example</dialog>",
    "<a href=javascript:canary(49)>x</a>",
    "&lt;img src=x onerror=canary(50)&gt; &#60;svg onload=canary(51)&#62;",
    "+ADw-script+AD4-canary(52)+ADw-/script+AD4-",
    "a\r\nSet-Cookie: x=1\r\n\r\n<script>canary(53)</script>",
    "a\u2028b\u2029c\u0085d",
    "<input id=space><img name=body><form id=audio>",
)

ADDRESSES = (
    "javascript:canary(60)",
    "JaVaScRiPt:canary(61)",
    "java\tscript:canary(62)",
    "\u0001javascript:canary(63)",
    "javascript://example.org/%0Acanary(64)",
    "data:text/html,<script>parent.canary(65)</script>",
    "vbscript:canary(66)",
    "blob:https://example.org/0",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "file:///x",
    "https://example.org@evil.example/",
    "https://example.org\\@evil.example/",
    "https://ехample.org/",
    "https://example。org/",
    "https://evil.example/\u202egpj.exe",
    "https://example.org/'\"><img src=x: onerror=canary(67)>",
    "https://[::1/",
    "http://",
)

SCRIPTS = (
    "\u202egpj.tsoh \u202d\u2066admin\u2069",
    "\u2067\u202e\u2066host (guest)",
    "مها \u200fالمضيفة",
    "שלום <b>x</b> 123",
    "Z" + "\u0301\u0489\u0336" * 200,
    "аdmin Ηost",
    "\ufdfd\ufdfd\ufdfd\ufdfd",
    "👩\u200d👩\u200d👧\u200d👦" * 20,
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "\u200b\u2060\ufeff",
    "\u3164\u115f",
    "a\u0000b\u0007c\u001b[31md\u007f",
    "\ue000\uffff\U0010ffff",
)

LONG = ("W" * 10_000, "ﷺ" * 500, "a\u00a0" * 2_000, "\n" * 200 + "end", "x/" * 3_000)

SURROGATES = ("\ud800", "a\udc00b", "\udfff\ud800")
"""JSON may carry them; UTF-8 and databases may not."""

PROPERTIES = (
    "__proto__", "constructor", "toString", "hasOwnProperty", "__defineGetter__", "length",
    "null", "undefined", "NaN", "0", "-1", "true", "[object Object]",
)  # fmt: skip

WORDS = (*RUNNING, *TEMPLATES, *BREAKING, *ADDRESSES, *SCRIPTS, *LONG, *PROPERTIES)
"""Everything that may stand in a text of ours."""

PARSED = """
() => {
  const own = new Set(["noscript", "script", "link", "meta", "base"]);
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const name = node.localName;
    const handlers = [...node.attributes].filter((a) => a.name.startsWith("on"));
    if (handlers.length > 0) found.push(node.outerHTML);
    if (["iframe", "object", "embed", "style", "math", "base", "video", "b"].includes(name))
      found.push(node.outerHTML);
    if (name === "script" && node.id !== "sentences") found.push(node.outerHTML);
    if (name === "img" && !node.matches(".portrait, .qr")) found.push(node.outerHTML);
    const address = node.getAttribute("href") ?? node.getAttribute("src") ?? "";
    if (name !== "use" && address &&
        !["http:", "https:"].includes(URL.parse(address, document.baseURI)?.protocol))
      found.push(node.outerHTML);
    if (name === "a" && node.target === "_blank" && node.rel !== "noopener noreferrer")
      found.push(node.outerHTML);
  }
  return found;
}
"""
"""Elements that came from words, by what our own pages never have."""
