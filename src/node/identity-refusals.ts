/** What can be wrong with a key file: stable codes, and words for the operator. */
import { Refusal, type RefusalTexts } from '../chain/refusal.ts'

/** Why a key file is not used, or not written. */
export const identityRefusals = {
  'identity.missing': {
    zh: { title: '找不到密钥文件', cause: '该路径下没有文件。', remedy: '检查路径；新成员请先运行 gongzheng init。' },
    en: {
      title: 'Key file not found',
      cause: 'There is no file at this path.',
      remedy: 'Check the path; a new member runs gongzheng init first.',
    },
  },
  'identity.unreadable': {
    zh: { title: '无法读取密钥文件', cause: '操作系统拒绝读取。', remedy: '检查文件的属主以及运行节点的用户。' },
    en: {
      title: 'Key file cannot be read',
      cause: 'The operating system refused to read it.',
      remedy: 'Check who owns the file and which user runs the node.',
    },
  },
  'identity.too-open': {
    zh: {
      title: '密钥文件权限过宽',
      cause: '其他用户可以读取该文件。',
      remedy: '运行 chmod 600 后重试；若他人可能已读取，请更换密钥。',
    },
    en: {
      title: 'Key file is open to others',
      cause: 'Other users of this machine can read it.',
      remedy: 'Run chmod 600 on it and try again; if somebody may have read it, replace the key.',
    },
  },
  'identity.exists': {
    zh: {
      title: '密钥文件已存在',
      cause: '绝不覆盖已有密钥。',
      remedy: '换一个路径，或确认不再需要后自行移走旧文件。',
    },
    en: {
      title: 'Key file exists already',
      cause: 'An existing key is never overwritten.',
      remedy: 'Choose another path, or move the old file away once you are sure it is not needed.',
    },
  },
  'identity.unwritable': {
    zh: { title: '无法写入密钥文件', cause: '目录不存在、不可写或磁盘已满。', remedy: '检查目录、权限和磁盘空间。' },
    en: {
      title: 'Key file cannot be written',
      cause: 'The directory is missing or not writable, or the disk is full.',
      remedy: 'Check the directory, its permissions and the free space.',
    },
  },
  'identity.damaged': {
    zh: { title: '密钥文件已损坏', cause: '内容不是本程序写入的密钥文件。', remedy: '从备份恢复该文件。' },
    en: {
      title: 'Key file is damaged',
      cause: 'Its content is not a key file as this program writes them.',
      remedy: 'Restore the file from a backup.',
    },
  },
  'identity.wrong-kind': {
    zh: {
      title: '密钥文件种类不符',
      cause: '节点、中心和治理密钥各有自己的文件。',
      remedy: '检查配置中的路径是否互换。',
    },
    en: {
      title: 'Key file of another kind',
      cause: 'Node, centre and governance keys have a file each.',
      remedy: 'Check whether paths were exchanged in the configuration.',
    },
  },
  'identity.wrong-ledger': {
    zh: { title: '密钥属于另一个账本', cause: '密钥与账本绑定，不能用于其他账本。', remedy: '使用本账本的密钥文件。' },
    en: {
      title: 'Key of another ledger',
      cause: 'Keys are bound to one ledger and are never used for another.',
      remedy: 'Use the key file of this ledger.',
    },
  },
  'identity.passphrase-needed': {
    zh: { title: '需要口令', cause: '该密钥文件受口令保护。', remedy: '提供创建该文件时设置的口令。' },
    en: {
      title: 'Passphrase needed',
      cause: 'This key file is protected by a passphrase.',
      remedy: 'Give the passphrase that was set when the file was created.',
    },
  },
  'identity.wrong-passphrase': {
    zh: { title: '口令错误', cause: '口令不符，或文件被改动。', remedy: '检查口令；仍不行则从备份恢复文件。' },
    en: {
      title: 'Wrong passphrase',
      cause: 'The passphrase does not fit, or the file was changed.',
      remedy: 'Check the passphrase; if it is right, restore the file from a backup.',
    },
  },
} as const satisfies RefusalTexts

export type IdentityRefusalCode = keyof typeof identityRefusals

/** A refusal with one of the codes above; the detail names the file. */
export const identityRefusal = (code: IdentityRefusalCode, detail: string): Refusal => new Refusal(code, detail)
