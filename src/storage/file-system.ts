import { readFileSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../config.ts';

/** What a folder stands on. `reach` is `unknown` where the system does not say it in a way we know. */
export interface FileSystem {
  /** As in `mount`: ext4, nfs, fuse.sshfs, … */
  name: string;
  reach: 'local' | 'network' | 'memory' | 'unknown';
}

/** How the system is asked; tests answer in its place. */
export interface FileSystemFacts {
  /** `f_type` of statfs(2). */
  magic: (folder: string) => number;
  /** The text of /proc/self/mountinfo. */
  mounts: () => string;
}

/** Numbers of linux/magic.h and of each file system's own source. */
const NETWORK = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'kafs'],
  [0x00c36400, 'ceph'],
  [0x73757245, 'coda'],
  [0x564c, 'ncp'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x19830326, 'beegfs'],
  [0x786f4256, 'vboxsf'],
]);
const MEMORY = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
]);
const LOCAL = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'zfs'],
  [0xf2f52010, 'f2fs'],
  [0xca451a4e, 'bcachefs'],
  [0x794c7630, 'overlay'],
]);
/** Any program may serve such a folder, so the number alone says nothing: the mount's name does. */
const FUSE = 0x65735546;
const FUSE_NETWORK =
  /^(fuse\.)?(sshfs|rclone|s3fs|gcsfuse|goofys|mount-s3|mountpoint-s3|glusterfs|ceph-fuse|ceph|davfs2?|curlftpfs|smbnetfs|juicefs|seaweedfs|moosefs|mfs|lizardfs|grpcfuse|osxfs|blobfuse2?)$/;

const SYSTEM: FileSystemFacts = {
  magic: (folder) => statfsSync(folder).type,
  mounts: () => readFileSync('/proc/self/mountinfo', 'utf8'),
};

/** @throws what statfs(2) throws, where the folder does not exist */
export function fileSystemOf(folder: string, facts: FileSystemFacts = SYSTEM): FileSystem {
  // The numbers are Linux's; other systems give the same field other meanings.
  if (facts === SYSTEM && process.platform !== 'linux') return { name: process.platform, reach: 'unknown' };
  // Some architectures hand the number back with its sign.
  const magic = facts.magic(folder) >>> 0;
  if (magic === FUSE) return fuse(folder, facts);
  const network = NETWORK.get(magic);
  if (network) return { name: network, reach: 'network' };
  const memory = MEMORY.get(magic);
  if (memory) return { name: memory, reach: 'memory' };
  const local = LOCAL.get(magic);
  return local ? { name: local, reach: 'local' } : { name: `0x${magic.toString(16)}`, reach: 'unknown' };
}

function fuse(folder: string, facts: FileSystemFacts): FileSystem {
  const type = mountTypeOf(resolve(folder), facts.mounts());
  if (type === undefined) return { name: 'fuse', reach: 'unknown' };
  if (FUSE_NETWORK.test(type)) return { name: type, reach: 'network' };
  return { name: type, reach: type === 'fuseblk' ? 'local' : 'unknown' };
}

/** The type of the longest mount point above the folder; of two on one point the later one covers the other. */
function mountTypeOf(folder: string, mountinfo: string): string | undefined {
  let best = { point: '', type: undefined as string | undefined };
  for (const line of mountinfo.split('\n')) {
    // proc(5): … mount point is the fifth field, the type the first after the lone hyphen.
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal) => octalChar(octal));
    const type = after.split(' ')[0];
    if (!point || !type || point.length < best.point.length) continue;
    if (point === '/' || folder === point || folder.startsWith(`${point}/`)) best = { point, type };
  }
  return best.type;
}

function octalChar(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}

/**
 * SQLite's locks and its shared memory do not hold across a network (sqlite.org/wal.html, "All processes using a
 * database must be on the same host computer"): two writers there end in a broken file. So such a folder is refused.
 * @throws ConfigError naming the folder
 */
export function refuseNetworkFolder(file: string, facts?: FileSystemFacts): void {
  const folder = dirname(resolve(file));
  const found = lookAt(folder, facts);
  if (found?.reach !== 'network') return;
  throw new ConfigError(
    `The data folder ${folder} is on a network file system (${found.name}), where SQLite's locks do not hold. Set DATA_DIR to a folder on a local disk, or use PostgreSQL with DATABASE_URL.`,
  );
}

/** A folder that cannot be asked is judged by whoever opens a file in it, in words of its own. */
function lookAt(folder: string, facts?: FileSystemFacts): FileSystem | undefined {
  try {
    return fileSystemOf(folder, facts);
  } catch {
    return undefined;
  }
}
