import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../config.ts';
import { type FileSystemFacts, fileSystemOf, refuseNetworkFolder } from './file-system.ts';
import { openSqlite } from './sqlite.ts';
import { testFolder } from './testing.ts';

const MOUNTS = [
  '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '40 22 0:50 / /srv/remote rw,nosuid shared:2 - fuse.sshfs user@example.com: rw',
  '41 22 0:51 / /srv/with\\040space rw - fuse.rclone remote: rw',
  '42 22 8:17 / /srv/stick rw - fuseblk /dev/sdb1 rw',
  '43 22 0:52 / /srv/odd rw shared:4 master:1 - fuse.encrypted thing rw',
].join('\n');

const FUSE = 0x65735546;
const facts = (magic: number): FileSystemFacts => ({ magic: () => magic, mounts: () => MOUNTS });

describe('a data folder on a network', () => {
  test.each<[string, number]>([
    ['nfs', 0x6969],
    ['smb', 0x517b],
    ['cifs', 0xff534d42],
    ['smb2', 0xfe534d42],
    ['9p', 0x01021997],
    ['afs', 0x5346414f],
    ['ceph', 0x00c36400],
  ])('%s is refused, and the sentence names the folder and the way out', (name, magic) => {
    const refused = () => refuseNetworkFolder('/srv/data/mailwright.db', facts(magic));
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(
      `The data folder /srv/data is on a network file system (${name}), where SQLite's locks do not hold. Set DATA_DIR to a folder on a local disk, or use PostgreSQL with DATABASE_URL.`,
    );
  });

  test('is refused also where the number comes with its sign', () => {
    expect(() => refuseNetworkFolder('/srv/data/x.db', facts(0xfe534d42 | 0))).toThrow(/smb2/);
  });

  test.each([
    ['/srv/remote', 'fuse.sshfs'],
    ['/srv/remote/deep/below', 'fuse.sshfs'],
    ['/srv/with space/data', 'fuse.rclone'],
  ])('%s is known by the name of its mount', (folder, name) => {
    expect(fileSystemOf(folder, facts(FUSE))).toEqual({ name, reach: 'network' });
    expect(() => refuseNetworkFolder(join(folder, 'x.db'), facts(FUSE))).toThrow(name);
  });
});

describe('other folders are taken', () => {
  test.each<[string, number, string]>([
    ['/srv/stick/data', FUSE, 'fuseblk'],
    ['/srv/odd', FUSE, 'fuse.encrypted'],
    ['/srv/data', 0xef53, 'ext4'],
    ['/srv/data', 0x01021994, 'tmpfs'],
    ['/srv/data', 0x12345678, '0x12345678'],
  ])('%s with %i', (folder, magic, name) => {
    expect(fileSystemOf(folder, facts(magic)).name).toBe(name);
    expect(() => refuseNetworkFolder(join(folder, 'x.db'), facts(magic))).not.toThrow();
  });

  test('a folder beside a mount with a longer name does not count as below it', () => {
    expect(fileSystemOf('/srv/remote-not', facts(FUSE))).toEqual({ name: 'ext4', reach: 'unknown' });
  });

  test("this machine's own disk", async () => {
    const folder = testFolder();
    expect(['local', 'memory', 'unknown']).toContain(fileSystemOf(folder).reach);
    await openSqlite(join(folder, 'test.db')).close();
  });
});

test('the embedded database asks before it makes a file', () => {
  const file = join(testFolder(), 'test.db');
  expect(() => openSqlite(file, { facts: facts(0x6969) })).toThrow(/network file system \(nfs\)/);
});
