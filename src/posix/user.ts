/** Users and groups as libc knows them, so that LDAP and the like count; and becoming one of them. */
import type { User } from "../core/config.js";
import * as libc from "./libc.js";

const strings = Buffer.allocUnsafeSlow(64 * 1024);
/** struct passwd: name, passwd, uid, gid, gecos, dir, shell. */
const record = Buffer.alloc(64);
const result = Buffer.alloc(8);

interface Account extends User {
  readonly home: string;
}

/** By name, or by number when it is one. Null when there is no such user. */
export function lookupUser(nameOrUid: string): User | null {
  const account = findAccount(nameOrUid);
  return account === null ? null : { name: account.name, uid: account.uid, gid: account.gid };
}

/** Home directory of a user; null when there is no such user. */
export function userHome(name: string): string | null {
  return findAccount(name)?.home ?? null;
}

/** Gid by name, or by number when it is one. Null when there is no such group. */
export function lookupGroup(nameOrGid: string): number | null {
  if (/^\d+$/.test(nameOrGid)) return Number(nameOrGid);
  if (libc.getgrnam_r(nameOrGid, record, strings, strings.length, result) !== 0) return null;
  // struct group: name, passwd, gid, members
  return result.readBigUInt64LE(0) === 0n ? null : record.readUInt32LE(16);
}

function findAccount(nameOrUid: string): Account | null {
  const failed = /^\d+$/.test(nameOrUid)
    ? libc.getpwuid_r(Number(nameOrUid), record, strings, strings.length, result)
    : libc.getpwnam_r(nameOrUid, record, strings, strings.length, result);
  if (failed !== 0 || result.readBigUInt64LE(0) === 0n) return null;
  return {
    name: stringOf(0),
    uid: record.readUInt32LE(16),
    gid: record.readUInt32LE(20),
    home: stringOf(32),
  };
}

/** A string that the record points to; they all lie in the buffer that was handed in for them. */
function stringOf(field: number): string {
  const at = Number(record.readBigUInt64LE(field) - libc.addressOf(strings));
  return at < 0 || at >= strings.length ? "" : strings.toString("utf8", at, strings.indexOf(0, at));
}

/** Every group of a user, the primary one first. */
export function groupsOf(user: User): readonly number[] {
  const count = Buffer.alloc(4);
  for (let room = 64; ; room *= 4) {
    const gids = Buffer.alloc(room * 4);
    count.writeInt32LE(room);
    if (libc.getgrouplist(user.name, user.gid, gids, count) < 0 && room < 65_536) continue;
    const found = Array.from({ length: Math.min(room, count.readInt32LE(0)) }, (_, at) =>
      gids.readUInt32LE(at * 4),
    );
    return [user.gid, ...found.filter((gid) => gid !== user.gid)];
  }
}

/** Makes the whole process that user. The reference's text of what went wrong, or null. */
export function dropPrivileges(user: User): string | null {
  if (process.getuid?.() === user.uid) return null;
  if (process.getuid?.() !== 0) return "Can't drop privilege as nonroot user";
  try {
    process.setgroups?.([...groupsOf(user)]);
  } catch {
    return "Could not set groups of effective user";
  }
  try {
    process.setgid?.(user.gid);
  } catch {
    return "Could not set group id of effective user";
  }
  process.setuid?.(user.uid);
  return null;
}
