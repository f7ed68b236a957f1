export interface Sizes {
  readonly packages: number | null;
  readonly download: number | null;
  readonly unpacked: number | null;
}
export function install(missing: string[]): string[];
export function sizes(said: string): Sizes;
export function sizeLine(sizes: Sizes): string;
