/** So much of a terminal's screen as tests look at: what stands where after everything that was written to it. */

export interface Screen {
  write(text: string): void;
  /** Lines without the blanks at their ends, and without the empty ones at the end. */
  lines(): readonly string[];
}

const SEQUENCE = /^\x1b(?:\[([\d;?]*)([A-Za-z])|[()].|[=>78])/;

export function createScreen(columns: number): Screen {
  const rows: string[][] = [[]];
  let row = 0;
  let column = 0;

  function rowAt(index: number): string[] {
    while (rows.length <= index) rows.push([]);
    return rows[index] ?? [];
  }

  function put(character: string): void {
    if (column >= columns) {
      row += 1;
      column = 0;
    }
    const line = rowAt(row);
    while (line.length < column) line.push(" ");
    line[column] = character;
    column += 1;
  }

  function act(letter: string, number: number): void {
    const count = Math.max(number, 1);
    if (letter === "A") row = Math.max(row - count, 0);
    else if (letter === "B") row += count;
    else if (letter === "C") column += count;
    else if (letter === "D") column = Math.max(column - count, 0);
    else if (letter === "G") column = count - 1;
    else if (letter === "K" && number === 0) rowAt(row).splice(column);
    else if (letter === "J" && number === 0) {
      rowAt(row).splice(column);
      rows.splice(row + 1);
    }
  }

  return {
    write(text) {
      for (let at = 0; at < text.length; ) {
        const found = SEQUENCE.exec(text.slice(at, at + 20));
        if (found !== null) {
          if (found[2] !== undefined) act(found[2], Number.parseInt(found[1] ?? "", 10) || 0);
          at += found[0].length;
          continue;
        }
        const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
        at += character.length;
        if (character === "\r") column = 0;
        else if (character === "\n") row += 1;
        else if (character === "\b") column = Math.max(column - 1, 0);
        else if (character >= " ") put(character);
      }
      rowAt(row);
    },
    lines() {
      const all = rows.map((line) => line.join("").trimEnd());
      while (all.at(-1) === "") all.pop();
      return all;
    },
  };
}
