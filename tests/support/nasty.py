"""Names that break pictures whose makers thought of names as letters."""

NASTY = [
    *('a<b>&"c"', "{x|y}", "<B>bold</B>", "</TD></TR>", "\\N", "\\G", "\\l\\r", "end\\", "a\nb", "a\tb", "a\rb"),
    *("", " ", "   ", "two  spaces", " padded ", "\x00", "\x1b[31m", "\x7f\x85", "\ud800", "\ufffe"),
    *("]]>", "<!-- -->", "-->", "&amp;", "&#0;", "&nosuch;", "<![CDATA[", "\u2028", "\u202eabc", "e\u0301"),
    *("w₁", "∂J/∂w", "Σ", "中文", "🙂", "שלום", "node", 'class="node"', "n0", "%s", "$x$", "graph0"),
    *("z" * 10_000, "\n" * 50, "<" * 300, "\\" * 77, "\u2066a\u2069\u200f", "</script><script>alert(1)</script>"),
    *("end", "%% comment", "`code`", "#quot;", "- item", "1. item", "a;b", "subgraph x", '"];n9["', "'", "$${x}$$"),
    *("click n0 call alert(1)", "javascript:alert(1)", "@{shape: circle}", "---\ntitle: x\n---", "<br/>", "**b**"),
]

# Characters that turn around, or hide, the text beside them: none may reach a reader.
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
