/** Why a life of the daemon can't begin: one sentence, the errno's name where there was one, and what helps to mend it. */
export class StartProblem extends Error {
  override readonly name = "StartProblem";
  readonly code: string | undefined;
  readonly more: readonly string[];

  constructor(text: string, code?: string, more: readonly string[] = []) {
    super(text);
    this.code = code;
    this.more = more;
  }
}
