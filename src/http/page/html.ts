/** Text to HTML, with nothing in it that could be mistaken for markup, also in an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Between tags, where nothing else is markup; written as the reference writes it. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

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
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
  <title>${escapeText(title)}</title>
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
