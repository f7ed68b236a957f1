/** Why a life of the daemon can't begin: one sentence, and the errno's name where there was one. */
export class StartProblem extends Error {
  override readonly name = "StartProblem";
  readonly code: string | undefined;

  constructor(text: string, code?: string) {
    super(text);
    this.code = code;
  }
}
