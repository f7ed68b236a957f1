export interface Clone {
  readonly root: string;
  readonly node: string;
  readonly remove: string | null;
}
export function reachable(path: string): boolean;
export function reachableClone(root: string, node: string): Clone;
