/** Text to HTML, with nothing in it that could be mistaken for markup, also in an attribute. */
export function escapeHtml(text: string): string {
  return showControls(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Between tags, where nothing else is markup; written as the reference writes it. */
export function escapeText(text: string): string {
  return showControls(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/**
 * Control characters as the pictures that Unicode has of them: a page saved or fetched with curl may end up in a
 * terminal, which would obey them. What turns the direction of writing around could make a name look like another.
 */
function showControls(text: string): string {
  return text.replace(CONTROLS, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

/** All but tab and the ends of lines: C0, DEL, C1, and what overrides the direction of writing. */
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** Text to a part of a URL, as Python quotes it: scripts compare what they are redirected to. */
export function quoteUrl(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

const DOCTYPE = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
   "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">`;

/** A whole page; `body` is markup. */
export function document(title: string, body: string): string {
  return `${DOCTYPE}
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head>
  <title>${escapeText(title)}</title>
  <meta name="viewport" content="width=device-width, initial-scale=1" />
  <link href="stylesheets/supervisor.css" rel="stylesheet" type="text/css" />
  <link href="images/icon.png" rel="icon" type="image/png" />
</head>
<body>
<div id="wrapper">
${body}
</div>
</body>
</html>
`;
}
