/**
 * What can be wrong with a disk, apart from a failed write (which is fatal and has no class: it is reported and the process stops).
 * A disk that cannot be opened is a `Refusal` with one of the codes below and words for the operator. A row that cannot be read is
 * a `DiskReadFailed`: uncaught it ends the process like a failed assertion, because no answer would be better than a wrong one;
 * the block store may catch it, since a damaged block can be fetched again by its hash (protocol rule 18). What is read, and is not
 * what was written, is a `DamagedStore`.
 */
import type { RefusalTexts } from '../chain/refusal.ts'

/** A row exists or may exist, and its bytes cannot be had. Never means "there is no such row". */
export class DiskReadFailed extends Error {
  override readonly name = 'DiskReadFailed'
}

/** Undefined also when there may be a row and it cannot be read: for whoever can do without it, or make it again. */
export function readable<T>(read: () => T | undefined): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof DiskReadFailed) return undefined
    throw error
  }
}

/** A stored block does not hash to its id, or what is derived from blocks is not there: the disk is damaged. */
export class DamagedStore extends Error {
  override readonly name = 'DamagedStore'
}

/** Why a data directory is not opened. */
export const diskRefusals = {
  'disk.locked': {
    zh: {
      title: '数据目录正被另一个进程使用',
      cause: '同一数据目录只能由一个节点进程打开。',
      remedy: '请先停止正在使用该目录的节点，或为本节点指定另一个目录。切勿复制数据目录来运行第二个节点。',
    },
    en: {
      title: 'The data directory is in use by another process',
      cause: 'Only one node process may open a data directory.',
      remedy:
        'Stop the node that uses it, or give this node a directory of its own. Never run a second node on a copy of a data directory.',
    },
  },
  'disk.wrong-owner': {
    zh: {
      title: '数据目录属于另一个节点或另一个账本',
      cause: '目录中的标记所写的账本或节点编号与本节点不同。',
      remedy: '请检查挂载的卷和配置中的目录；不要删除其中的文件。',
    },
    en: {
      title: 'The data directory belongs to another node or another ledger',
      cause: 'The marker in the directory names a ledger or a node id other than this node’s.',
      remedy: 'Check which volume is mounted and which directory is configured; delete nothing in it.',
    },
  },
  'disk.unknown-format': {
    zh: {
      title: '数据目录由更新的版本写成',
      cause: '本版本不认识目录中的格式版本。',
      remedy: '请使用写入该目录的版本或更新的版本启动。',
    },
    en: {
      title: 'The data directory was written by a newer version',
      cause: 'This version does not know the format version found in the directory.',
      remedy: 'Start the version that wrote it, or a newer one.',
    },
  },
  'disk.unreadable': {
    zh: {
      title: '数据目录无法打开',
      cause: '操作系统或数据库报告错误，详见说明。',
      remedy:
        '请检查磁盘、权限和剩余空间。如果只有 rows 子目录损坏，可将其移走后重新启动：区块会从其他成员重新获取；vote.slot 和 head.slot 必须保留原样。',
    },
    en: {
      title: 'The data directory cannot be opened',
      cause: 'The operating system or the database reports an error, given in the detail.',
      remedy:
        'Check the disk, permissions and free space. If only the folder rows is damaged, move it away and start again: blocks are fetched from other members. Leave vote.slot and head.slot exactly as they are.',
    },
  },
} as const satisfies RefusalTexts

export type DiskRefusalCode = keyof typeof diskRefusals
