/**
 * Why something that claims to be proof is not: one error type with a stable code for programs, a detail in English for the case at
 * hand, and words in Chinese and English for people. Every parser and check of the proof formats throws this and nothing else, so
 * whoever verifies needs one `catch` and can say why.
 */
import type { RefusalTexts } from './refusal.ts'

export type VerificationCode = keyof typeof texts

/** What was given is malformed, or does not prove what it should. Always the input's fault, never fatal to a node. */
export class VerificationError extends Error {
  override readonly name: string = 'VerificationError'
  readonly code: VerificationCode

  /** `detail`: a clause in English that names what is wrong, here. */
  constructor(code: VerificationCode, detail: string) {
    super(detail)
    this.code = code
  }
}

const texts = {
  'vkey.malformed': {
    zh: {
      title: '验证公钥格式错误',
      cause: '公钥不是“名称+编号+Base64”的规范写法，或编号与公钥不符。',
      remedy: '请从成员公布的信任清单重新复制该公钥。',
    },
    en: {
      title: 'Malformed verifier key',
      cause: 'The key is not spelled name+id+base64, or its id does not belong to it.',
      remedy: 'Copy the key again from the policy that the members publish.',
    },
  },
  'note.malformed': {
    zh: {
      title: '签名文本格式错误',
      cause: '文件不是规范的签名文本：编码、空行或签名行有误。',
      remedy: '请重新取得文件，并按原样逐字节保存。',
    },
    en: {
      title: 'Malformed signed note',
      cause: 'The encoding, the empty line or a signature line is not as the format says.',
      remedy: 'Get the file again and keep it byte for byte.',
    },
  },
  'note.bad-signature': {
    zh: {
      title: '签名无效',
      cause: '一个已知公钥名下的签名与内容不符：内容或签名被改动过。',
      remedy: '不要相信这份文件；请从其他成员重新取得并核对。',
    },
    en: {
      title: 'A signature is wrong',
      cause: 'A signature in the name of a known key does not fit the content: one of the two was changed.',
      remedy: 'Do not trust this file; get it again from another member and compare.',
    },
  },
  'note.no-known-signature': {
    zh: {
      title: '没有已知公钥的签名',
      cause: '没有一个签名出自已知的公钥。',
      remedy: '请检查文件与信任清单是否属于同一账本。',
    },
    en: {
      title: 'No signature of a known key',
      cause: 'None of the signatures is by a key that is known here.',
      remedy: 'Check that the file and the policy belong to the same ledger.',
    },
  },
  'checkpoint.malformed': {
    zh: {
      title: '账本快照格式错误',
      cause: '快照不是来源、规模、根哈希三行的规范写法。',
      remedy: '请重新取得文件，并按原样逐字节保存。',
    },
    en: {
      title: 'Malformed checkpoint',
      cause: 'It is not origin, size and root hash, one a line, each in its one spelling.',
      remedy: 'Get the file again and keep it byte for byte.',
    },
  },
  'bid-file.malformed': {
    zh: {
      title: '投标文件（自存）格式错误',
      cause: '文件不是投标人自存的文件，或其内容得不出其中所写的叶。',
      remedy: '请使用 gongzheng bid seal 写出的原文件。',
    },
    en: {
      title: 'Malformed bid file',
      cause: 'This is not the file that a bidder keeps, or it does not lead to the leaf that it names.',
      remedy: 'Use the file as gongzheng bid seal wrote it.',
    },
  },
  'bid-file.not-opened': {
    zh: {
      title: '密文不能解开',
      cause: '密文被改动或不完整，或自存文件中的密钥不是它的。',
      remedy: '请核对密文的哈希与自存文件是否为同一份投标。',
    },
    en: {
      title: 'The encrypted file cannot be opened',
      cause: 'It was changed or cut off, or the key in the bid’s own file is another’s.',
      remedy: 'Compare its hash with that in the bid’s own file.',
    },
  },
  'box.absence-malformed': {
    zh: {
      title: '缺失证明不成立',
      cause: '所给的相邻叶不能说明该叶不在标箱中。',
      remedy: '请由持有标箱清单的一方重新生成证明。',
    },
    en: {
      title: 'The leaf is not shown to be missing',
      cause: 'The neighbours given do not show that the leaf is not in the box.',
      remedy: 'Have whoever holds the list of the box make the proof again.',
    },
  },
  'box.place-malformed': {
    zh: {
      title: '所在位置格式错误',
      cause: '叶、根或接收时间的写法不符，无法核对它是否在标箱中。',
      remedy: '请向封标的成员重新取得位置与路径。',
    },
    en: {
      title: 'Malformed place',
      cause: 'A leaf, a root or a time is not spelled as one, so nothing can be said about the box.',
      remedy: 'Ask the member that closed for place and path again.',
    },
  },
  'bundle.malformed': {
    zh: {
      title: '条目包格式错误',
      cause: '条目的长度与数据不符，或条目过多、过长。',
      remedy: '请重新下载。',
    },
    en: {
      title: 'Malformed entry bundle',
      cause: 'The lengths of the entries do not fit the data, or entries are too many or too long.',
      remedy: 'Download it again.',
    },
  },
  'proof-file.malformed': {
    zh: {
      title: '证明文件格式错误',
      cause: '文件不是规范的 .tlog-proof：首行、序号、哈希或空行有误。',
      remedy: '请重新下载证明文件，并按原样逐字节保存。',
    },
    en: {
      title: 'Malformed proof file',
      cause: 'The first line, the index, a hash or the empty line is not as the format says.',
      remedy: 'Download the proof file again and keep it byte for byte.',
    },
  },
  'policy.malformed': {
    zh: {
      title: '验证信任清单格式错误',
      cause: '清单中有一行不符合格式，或名称、公钥重复，或缺少法定数一行。',
      remedy: '请使用成员公布的清单原件。',
    },
    en: {
      title: 'Malformed policy',
      cause: 'A line is not as the format says, a name or key comes twice, or the quorum line is missing.',
      remedy: 'Use the policy as the members publish it.',
    },
  },
  'policy.unknown-log': {
    zh: {
      title: '不是这个账本的证明',
      cause: '快照的来源不在验证信任清单之内。',
      remedy: '请使用与该账本对应的信任清单。',
    },
    en: {
      title: 'A proof of another ledger',
      cause: 'The policy lists no log with the origin of this checkpoint.',
      remedy: 'Use the policy of the ledger that the proof is from.',
    },
  },
  'policy.log-signature-missing': {
    zh: {
      title: '缺少账本签名',
      cause: '快照没有信任清单所列账本公钥的签名。',
      remedy: '请重新下载证明文件，或更新信任清单。',
    },
    en: {
      title: 'The log’s signature is missing',
      cause: 'No log key that the policy lists for this origin signed the checkpoint.',
      remedy: 'Download the proof file again, or get the current policy.',
    },
  },
  'policy.quorum-missing': {
    zh: {
      title: '共签不足',
      cause: '在快照上共签的成员未达到信任清单要求的法定数。',
      remedy: '请重新下载证明文件；如仍不足，该记录尚未共证。',
    },
    en: {
      title: 'Too few cosignatures',
      cause: 'The members that cosigned the checkpoint are fewer than the policy asks for.',
      remedy: 'Download the proof file again; if that does not help, the record is not attested.',
    },
  },
  'inclusion.malformed': {
    zh: {
      title: '包含证明格式错误',
      cause: '序号、规模或哈希的个数、长度不成立。',
      remedy: '请重新下载证明文件。',
    },
    en: {
      title: 'Malformed inclusion proof',
      cause: 'The index, the size, or the number or length of the hashes cannot be.',
      remedy: 'Download the proof file again.',
    },
  },
  'inclusion.mismatch': {
    zh: {
      title: '条目与证明不符',
      cause: '由该条目算出的根哈希不是快照的根哈希：条目、序号或证明被改动过，或不是同一条目。',
      remedy: '请核对条目文件是否为原始字节，以及证明是否属于该条目。',
    },
    en: {
      title: 'The proof is not for this entry',
      cause:
        'The entry does not lead to the root of the checkpoint: entry, index or proof was changed, or they do not belong together.',
      remedy: 'Check that the entry is the original bytes and that the proof is for this entry.',
    },
  },
  'consistency.malformed': {
    zh: {
      title: '一致性证明格式错误',
      cause: '两个规模或哈希的个数、长度不成立。',
      remedy: '请重新取得一致性证明。',
    },
    en: {
      title: 'Malformed consistency proof',
      cause: 'The sizes, or the number or length of the hashes, cannot be.',
      remedy: 'Get the consistency proof again.',
    },
  },
  'consistency.mismatch': {
    zh: {
      title: '两个快照不一致',
      cause: '较新的快照不是较旧快照的延续：证明有误，或账本被改写。',
      remedy: '请保留两个快照作为证据，并向其他成员核对。',
    },
    en: {
      title: 'The checkpoints do not agree',
      cause: 'The newer tree is not shown to extend the older one: the proof is wrong, or history was rewritten.',
      remedy: 'Keep both checkpoints as evidence and ask another member.',
    },
  },
  'entry.too-large': {
    zh: {
      title: '条目过大',
      cause: '条目超过 65,535 字节，账本中不可能有这样的条目。',
      remedy: '请检查是否选错了文件。',
    },
    en: {
      title: 'The entry is too large',
      cause: 'No entry of a ledger has more than 65,535 bytes.',
      remedy: 'Check that this is the right file.',
    },
  },
  'archive.malformed': {
    zh: {
      title: '压缩包无法读取',
      cause: '文件不是 ZIP，或有重名、越界的文件名，或过大，或不是取证包。',
      remedy: '请重新取得取证包，并按原样保存。',
    },
    en: {
      title: 'The archive cannot be read',
      cause: 'It is no ZIP, has a name twice or one that leads out of it, is too large, or is no court bundle.',
      remedy: 'Get the bundle again and keep it as it is.',
    },
  },
  'archive.file-missing': {
    zh: {
      title: '取证包缺少文件',
      cause: '一份必需的文件不在取证包内。',
      remedy: '请重新取得取证包。',
    },
    en: {
      title: 'A file is missing from the bundle',
      cause: 'The bundle lacks a file that it needs.',
      remedy: 'Get the bundle again.',
    },
  },
  'archive.file-changed': {
    zh: {
      title: '文件被改动过',
      cause: '文件与取证包内的其他内容不符：内容、文件名或清单被改动。',
      remedy: '不要采信这份取证包；请从任一成员重新导出并核对。',
    },
    en: {
      title: 'A file was changed',
      cause: 'A file does not agree with the rest of the bundle: it, its name, or the list of files was changed.',
      remedy: 'Do not rely on this bundle; have it exported again by any member, and compare.',
    },
  },
  'founding.malformed': {
    zh: {
      title: '创世文件无法读取',
      cause: '创世条目不是规定的写法。',
      remedy: '请从成员处重新取得创世文件。',
    },
    en: {
      title: 'The genesis cannot be read',
      cause: 'The genesis entry is not written as one is.',
      remedy: 'Get it again from a member.',
    },
  },
  'founding.other-ledger': {
    zh: {
      title: '不是所期待的账本',
      cause: '账本指纹与所给的不同，或内容属于另一个账本。',
      remedy: '请与章程所印的账本指纹核对。',
    },
    en: {
      title: 'Another ledger',
      cause: 'The fingerprint is not the one that was given, or the content is of another ledger.',
      remedy: 'Compare with the fingerprint that the charter prints.',
    },
  },
  'fault.malformed': {
    zh: {
      title: '矛盾签名文件格式错误',
      cause: '文件不是规范的矛盾签名文件，或其中某一部分无法解读。',
      remedy: '请重新取得文件，并按原样逐字节保存。',
    },
    en: {
      title: 'Malformed fault proof',
      cause: 'The file is not spelled as a fault proof, or a part of it cannot be read.',
      remedy: 'Get the file again and keep it byte for byte.',
    },
  },
  'fault.bad-signature': {
    zh: {
      title: '签名不是该密钥所签',
      cause: '文件中的一个签名与所指密钥不符，因此不能证明任何人有错。',
      remedy: '不要采信这份文件；没有有效签名就没有矛盾。',
    },
    en: {
      title: 'Not signed by that key',
      cause: 'A signature in the file is not that of the key it names, so it shows nothing about anybody.',
      remedy: 'Do not believe the file: without the signatures there is no contradiction.',
    },
  },
  'fault.no-contradiction': {
    zh: {
      title: '两份签名并不矛盾',
      cause: '签名有效，但诚实的节点也可能签出：两者相同、属于不同的届或任期，或所签内容无误。',
      remedy: '不能据此认定任何成员有错；迟延与沉默都不是矛盾。',
    },
    en: {
      title: 'No contradiction',
      cause:
        'The signatures are good, and an honest node may have made them: they are the same, of different epochs or terms, or over what is valid.',
      remedy: 'Nobody is at fault by this. Lateness and silence are no contradictions.',
    },
  },
  'receipt.malformed': {
    zh: {
      title: '回执文件格式错误',
      cause: '文件不是回执，或其中缺少字段、写法不符。',
      remedy: '请使用提交时保存的原文件（gongzheng submit --receipt）。',
    },
    en: {
      title: 'Malformed receipt',
      cause: 'The file is no receipt, or a field is missing or not spelled as it should be.',
      remedy: 'Use the file that was written at the submission (gongzheng submit --receipt).',
    },
  },
  'receipt.other-statement': {
    zh: {
      title: '回执与报文不符',
      cause: '文件中的报文不是这份回执所说的报文。',
      remedy: '请找出提交该报文时取得的回执。',
    },
    en: {
      title: 'A receipt for another statement',
      cause: 'The statement in the file is not the one that the receipt is for.',
      remedy: 'Find the receipt that was given for this statement.',
    },
  },
  'membership.malformed': {
    zh: {
      title: '换届证明无法读取',
      cause: '说明某一届成员的文件不是规定的写法。',
      remedy: '请从任一成员处重新取得（/v1/epochs/<届次>/proof）。',
    },
    en: {
      title: 'The proof of an epoch cannot be read',
      cause: 'The file that says who the members of an epoch are is not written as one is.',
      remedy: 'Get it again from any member (/v1/epochs/<number>/proof).',
    },
  },
  'membership.unproven': {
    zh: {
      title: '换届未获证明',
      cause: '上一届没有足够的成员或治理密钥为这次换届签名，或它不接在上一届之后。',
      remedy: '不要采信这份成员名单；请从其他成员处取得并核对。',
    },
    en: {
      title: 'A change of members is not proven',
      cause:
        'Too few members, or governance keys, of the epoch before signed for it, or it does not follow that epoch.',
      remedy: 'Do not rely on this list of members; get it from other members and compare.',
    },
  },
  'membership.unknown-record': {
    zh: {
      title: '不认识变更成员的记录',
      cause: '结束一届的那条记录，其类型本软件不认识，因而读不出下一届的成员。',
      remedy: '请用较新版本的软件核验。',
    },
    en: {
      title: 'The record that changes the members is not known',
      cause:
        'This software does not know the type of the record that closed the epoch, so it cannot tell who the next members are.',
      remedy: 'Verify with a newer version of the software.',
    },
  },
  'receipt.not-a-member': {
    zh: {
      title: '出具回执的不是成员节点',
      cause: '所指账本的成员名单中没有回执所写的成员与节点。',
      remedy: '请核对账本指纹；这份回执不能作为该账本成员的承诺。',
    },
    en: {
      title: 'Not given by a member',
      cause: 'No list of members of that ledger has the member and node that the receipt names.',
      remedy: 'Compare the fingerprint of the ledger: this is no word of one of its members.',
    },
  },
  'receipt.bad-signature': {
    zh: {
      title: '回执签名无效',
      cause: '回执不是所写节点签出的，或已被改动。',
      remedy: '不要采信这份回执；请重新提交报文以取得回执。',
    },
    en: {
      title: 'The receipt’s signature is wrong',
      cause: 'The node that it names did not sign it so, or it was changed.',
      remedy: 'Do not rely on it; submit the statement again to get a receipt.',
    },
  },
} as const satisfies RefusalTexts

/** Words for every code, in the form of the message catalogue. */
export const verificationTexts: RefusalTexts = texts
