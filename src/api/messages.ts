/**
 * The message catalogue of everything outside the chain's rules: HTTP requests, look-ups, and the conditions that keep a node or
 * its network from working fully. One stable code, words in Chinese and English. The codes of the ledger's rules are declared where
 * the rules are (chain/refusal.ts and the record types); the API shows both together. Free of Fastify and of Node: the command line
 * and the console use it too. HTTP statuses: http-status.ts. The table for readers, docs/errors.md, is written from here.
 *
 * Codes that begin with `node.` say why this node takes nothing in (`/readyz` answers 503 while one stands); those that begin with
 * `ledger.` say what the ledger lacks while the node goes on giving receipts and serving what is final.
 */
import type { RefusalText, RefusalTexts, RefusalWords } from '../chain/refusal.ts'

export type Language = 'zh' | 'en'

const words = (title: string, cause: string, remedy: string): RefusalWords => ({ title, cause, remedy })

export const apiTexts = {
  'request.malformed': {
    zh: words('请求不是合法的 HTTP', '请求行或请求头无法解析。', '请使用标准的 HTTP 客户端重新发送。'),
    en: words(
      'Not a well-formed HTTP request',
      'The request line or a header cannot be parsed.',
      'Send it with a standard HTTP client.',
    ),
  },
  'request.bad-url': {
    zh: words(
      '网址写法有误',
      '路径中有无法解码的百分号编码。',
      '请检查网址；% 后必须是两位十六进制数，且整体为 UTF-8。',
    ),
    en: words(
      'Malformed URL',
      'The path has percent-encoding that cannot be decoded.',
      'Check the URL: % is followed by two hex digits, and the whole is UTF-8.',
    ),
  },
  'request.headers-too-large': {
    zh: words('请求头过大', '请求行与请求头合计超过上限。', '请缩短网址或去掉多余的请求头。'),
    en: words(
      'Request headers too large',
      'Request line and headers together exceed the limit.',
      'Shorten the URL or leave out headers that are not needed.',
    ),
  },
  'request.timeout': {
    zh: words(
      '请求接收超时',
      '在规定时间内没有收到完整的请求。',
      '请检查网络后重新发送；重复提交同一签名报文是安全的。',
    ),
    en: words(
      'The request did not arrive in time',
      'The whole request was not received within the time limit.',
      'Check the network and send it again; submitting the same statement twice is safe.',
    ),
  },
  'request.body-missing': {
    zh: words(
      '缺少请求正文',
      '此接口需要正文，但请求没有正文或没有写明内容类型。',
      '请发送正文，并写明 Content-Type。',
    ),
    en: words(
      'Body missing',
      'This call needs a body, but the request has none, or names no content type.',
      'Send a body and name its Content-Type.',
    ),
  },
  'request.too-large': {
    zh: words('请求正文过大', '正文超过此接口的上限（见 detail）。', '大文件只登记其哈希值；批量提交请分成几批。'),
    en: words(
      'Body too large',
      'The body exceeds the limit of this call (see detail).',
      'Record large documents by their hash; split a large batch.',
    ),
  },
  'request.unsupported-media-type': {
    zh: words(
      '不支持的内容类型',
      '请求头 Content-Type 不是此接口接受的类型，或字符集不是 UTF-8。',
      '提交签名报文请用 application/json 或 application/jose；字符集用 UTF-8。',
    ),
    en: words(
      'Unsupported media type',
      'The Content-Type is none that this call accepts, or its charset is not UTF-8.',
      'Submit statements as application/json or application/jose, in UTF-8.',
    ),
  },
  'request.file-not-taken': {
    zh: words(
      '文件不上传',
      '技术核验只接收哈希、编号或编号的一列（application/json 或 text/csv），不接收文件本身；本次未读取任何内容。',
      '请在本地计算文件的哈希后提交，例如 gongzheng check、sha256sum、certutil -hashfile。',
    ),
    en: words(
      'Files are not uploaded',
      'Technical verification takes hashes, codes or a column of them (application/json or text/csv), never the document itself; nothing of it was read.',
      'Hash the document where it is and send the hash: gongzheng check, sha256sum, certutil -hashfile.',
    ),
  },
  'request.unsupported-encoding': {
    zh: words('不支持的内容编码', '正文带有 Content-Encoding（例如 gzip）。', '请发送未压缩的正文。'),
    en: words(
      'Unsupported content encoding',
      'The body has a Content-Encoding such as gzip.',
      'Send the body uncompressed.',
    ),
  },
  'request.not-utf8': {
    zh: words(
      '正文不是 UTF-8',
      '正文中有不合法的 UTF-8 字节，常见原因是系统以 GBK 输出。',
      '请将输出编码改为 UTF-8 后重试；节点不会猜测编码。',
    ),
    en: words(
      'Body is not UTF-8',
      'The body has bytes that are not valid UTF-8, often because a system writes GBK.',
      'Set the sending system to UTF-8; the node never guesses an encoding.',
    ),
  },
  'request.body-invalid': {
    zh: words('正文内容不符合要求', '正文的字段缺失、多余或类型不对（见 fields）。', '请按接口文档（/docs）修改正文。'),
    en: words(
      'Body does not fit this call',
      'A field of the body is missing, unknown or of the wrong type (see fields).',
      'Correct the body by the documentation at /docs.',
    ),
  },
  'request.unknown-parameter': {
    zh: words(
      '未知的查询参数',
      '网址中有此接口没有的查询参数（见 fields）；为免筛选条件被悄悄忽略，一律拒绝。',
      '请更正或去掉该参数；可用参数见接口文档（/docs）。',
    ),
    en: words(
      'Unknown query parameter',
      'The URL has a query parameter that this call does not have (see fields); it is refused so that no filter is silently ignored.',
      'Correct or remove it; the parameters are listed at /docs.',
    ),
  },
  'request.bad-parameter': {
    zh: words('参数的值不正确', '路径或查询参数的值不符合其写法（见 fields）。', '请按 fields 中的说明改正。'),
    en: words(
      'Malformed parameter',
      'The value of a path or query parameter is not of its form (see fields).',
      'Correct it as fields says.',
    ),
  },
  'request.missing-parameter': {
    zh: words('缺少查询参数', '缺少必需的查询参数（见 fields）。', '请补上该参数。'),
    en: words('Query parameter missing', 'A required query parameter is missing (see fields).', 'Add the parameter.'),
  },
  'request.unknown-type': {
    zh: words(
      '未知的记录类型',
      '参数 type 不是本账本现行的记录类型。',
      '现行类型见 /v1/types；须带版本，例如 bid.record@1。',
    ),
    en: words(
      'Unknown record type',
      'The parameter type names no record type in force on this ledger.',
      'See /v1/types for the types in force; the version is part of it, as in bid.record@1.',
    ),
  },
  'request.bad-cursor': {
    zh: words(
      '翻页标记无效',
      '参数 cursor 不是本节点给出的翻页标记，或与筛选条件不符。',
      '请从第一页重新开始，并原样使用 nextCursor。',
    ),
    en: words(
      'Bad cursor',
      'The parameter cursor was not given by this node, or belongs to other filters.',
      'Start again from the first page and use nextCursor unchanged.',
    ),
  },
  'request.too-many': {
    zh: words(
      '请求过于频繁',
      '该地址在一分钟内的请求数超过上限。',
      '请按 Retry-After 等待后重试；大量提交请用 /v1/records/batch。',
    ),
    en: words(
      'Too many requests',
      'This address has made more requests within a minute than the limit allows.',
      'Wait as Retry-After says; use /v1/records/batch for many statements.',
    ),
  },
  'request.forbidden-origin': {
    zh: words(
      '内部接口不接受此来源',
      '内部接口会以本中心密钥签名，因此不接受来自网页或其他主机名的请求。',
      '请由本机或内网系统直接调用，主机名须在允许列表中。',
    ),
    en: words(
      'Origin not allowed on the private listener',
      'The private listener signs with the centre’s key, so it takes nothing from web pages or under other host names.',
      'Call it directly from a system on this host, under a host name on the allowed list.',
    ),
  },
  'request.refused': {
    zh: words(
      '请求被拒绝',
      '规则不允许此请求（见 code 与 detail）。',
      '请按 detail 修改；若仍不清楚，请把 code 与 requestId 告知本中心的运维人员。',
    ),
    en: words(
      'Refused',
      'A rule does not allow this request (see code and detail).',
      'Correct it as detail says; otherwise give code and requestId to the operator of this member.',
    ),
  },
  'route.not-found': {
    zh: words('没有这个地址', '此路径不是本节点的接口。', '接口列表见 /docs。'),
    en: words('No such address', 'This path is no call of this node.', 'The calls are listed at /docs.'),
  },
  'route.method-not-allowed': {
    zh: words('不支持此方法', '此路径存在，但不支持该 HTTP 方法。', '请使用 Allow 响应头中列出的方法。'),
    en: words(
      'Method not allowed',
      'The path exists but does not take this HTTP method.',
      'Use a method named in the Allow header.',
    ),
  },
  'record.not-found': {
    zh: words(
      '没有这条记录',
      '账本中没有该编号的记录，本节点也没有收到过该签名报文。',
      '请核对编号；若刚在别的成员处提交，请稍候片刻或向该成员查询。',
    ),
    en: words(
      'No such record',
      'The ledger has no record with this number or id, and this node was not given the statement.',
      'Check the id; if it was submitted at another member just now, wait a moment or ask that member.',
    ),
  },
  'record.not-attested': {
    zh: words(
      '记录尚未共证',
      '记录已在账本中，但包含它的账本快照尚未得到足够成员共签。',
      '请按 Retry-After 稍后再取；/v1/status 说明还缺什么。',
    ),
    en: words(
      'Not attested yet',
      'The record is in the ledger, but the checkpoint that covers it does not carry enough cosignatures yet.',
      'Ask again after Retry-After; /v1/status says what is missing.',
    ),
  },
  'proof.size-not-attested': {
    zh: words(
      '没有该大小的已共证快照',
      '所给的树大小不是已共证的账本快照，或超出当前账本。',
      '请使用 /checkpoint 或证明中出现过的大小。',
    ),
    en: words(
      'No attested checkpoint of that size',
      'The given tree size is that of no attested checkpoint, or beyond the ledger.',
      'Use a size shown by /checkpoint or by a proof.',
    ),
  },
  'block.not-found': {
    zh: words('没有这个区块', '账本中还没有该高度的区块。', '当前高度见 /v1/status。'),
    en: words('No such block', 'The ledger has no block of that height yet.', 'The current height is in /v1/status.'),
  },
  'epoch.not-found': {
    zh: words(
      '没有这一届',
      '账本没有该届次，或本节点还拿不出它的证明。',
      '历届见 /v1/epochs；请稍候，或改问其他成员。',
    ),
    en: words(
      'No such epoch',
      'The ledger has no epoch of that number, or this node cannot prove it yet.',
      'The epochs are in /v1/epochs; wait a little, or ask another member.',
    ),
  },
  'party.not-found': {
    zh: words(
      '没有这个主体',
      '账本中没有以此编号登记的主体。',
      '请核对编号，例如 uscc:914403001922038216；登记办法见 README。',
    ),
    en: words(
      'No such party',
      'No party is registered on this ledger under that id.',
      'Check the id, for instance uscc:914403001922038216; the README says how to register.',
    ),
  },
  'fault.not-found': {
    zh: words(
      '没有这把密钥的矛盾签名',
      '本节点没有该密钥的矛盾签名；没有并不证明它没有错。',
      '请核对密钥标识；列表见 /v1/faults。',
    ),
    en: words(
      'No fault proof of this key',
      'This node has none. That proves nothing about the key.',
      'Check the key id; /v1/faults lists what there is.',
    ),
  },
  'subject.not-found': {
    zh: words(
      '没有相关记录',
      '账本中没有以此标识的项目、保函或其他标的，也没有提及它的记录。',
      '请核对各部分：主体（uscc:…）、编码体系、编号，大小写与括号须与公告一致。',
    ),
    en: words(
      'Nothing about that',
      'There is no tender, guarantee or other subject by that identity on the ledger, and no record that names it.',
      'Check each part: party (uscc:…), scheme, code or number, spelled as in the notice.',
    ),
  },
  'box.not-closed': {
    zh: words(
      '本成员尚未封标',
      '该标箱在本成员处尚未封标，或本成员没有该标箱；封标之前不显示任何内容。',
      '请在截止与宽限期之后查询，或向给出回执的成员查询。',
    ),
    en: words(
      'Not closed here',
      'This member has not closed that box, or keeps none; nothing is shown before the close.',
      'Ask after the deadline and its grace, or ask the member that gave the receipt.',
    ),
  },
  'box.not-open': {
    zh: words(
      '标箱不收标',
      '投标截止时间已过，或该标段没有在收标的标箱。',
      '截止之后不能再递交；请核对项目、标段与截止时间。',
    ),
    en: words(
      'The box takes nothing in',
      'The deadline has passed, or this section has no open box.',
      'Nothing is taken after the deadline; check tender, section and deadline.',
    ),
  },
  'node.box-damaged': {
    zh: words(
      '本节点的标箱不完整',
      '本节点的磁盘丢失了部分回执记录，无法保证封标完整，暂不接收。',
      '请改用其他成员的节点；持有本节点回执的投标人请在封标后凭回执主张。',
    ),
    en: words(
      'The box of this node is not whole',
      'Its disk has lost receipts, so it could not close over everything it received; it takes nothing in.',
      'Use another member’s node. Who holds a receipt of this one claims by it after the close.',
    ),
  },
  'tile.not-found': {
    zh: words(
      '没有这个分片',
      '路径不是规范写法，或账本中还没有这个分片。',
      '请由 /checkpoint 的大小推算所需分片（C2SP tlog-tiles）。',
    ),
    en: words(
      'No such tile',
      'The path is not in its canonical spelling, or the ledger does not have that tile yet.',
      'Derive the tiles from the size in /checkpoint (C2SP tlog-tiles).',
    ),
  },
  'checkpoint.not-yet': {
    zh: words(
      '尚无已共证的账本快照',
      '账本刚刚建立，还没有足够成员共签；或本节点尚不在共签这些快照的成员之列。',
      '请稍候，或改问其他成员；/v1/status 说明还缺什么。',
    ),
    en: words(
      'No attested checkpoint yet',
      'The ledger was just founded and not enough members have cosigned yet; or this node is not among the members who cosign.',
      'Wait a little, or ask another member; /v1/status says what is missing.',
    ),
  },
  'events.too-many-clients': {
    zh: words('事件订阅已满', '本节点的事件订阅连接数已达上限。', '请稍后再试，或改为定时查询 /checkpoint。'),
    en: words(
      'Too many event clients',
      'This node has as many event subscriptions as it allows.',
      'Try again later, or poll /checkpoint.',
    ),
  },
  'node.overloaded': {
    zh: words(
      '暂时不能再接收',
      '本节点待处理的签名报文已达上限，本次未保留任何内容。',
      '请按 Retry-After 稍后重试；重复提交同一签名报文是安全的。',
    ),
    en: words(
      'Overloaded',
      'This node has as many statements waiting as it allows; nothing of this one was kept.',
      'Try again after Retry-After; submitting the same statement twice is safe.',
    ),
  },
  'node.starting': {
    zh: words('节点正在启动', '节点正在检查磁盘和账本。', '请稍候；进度见 /v1/status。'),
    en: words(
      'The node is starting',
      'It is checking its disk and its ledger.',
      'Wait a little; /v1/status shows how far it is.',
    ),
  },
  'node.unconfirmed-start': {
    zh: words(
      '节点的启动尚未得到其他成员确认',
      '重启后，须有足够的其他成员记录本次启动，节点才能再次签名，以防同一身份运行两份。',
      '请检查与其他成员的连接；连接恢复后自动继续。',
    ),
    en: words(
      'This start is not yet confirmed by the other members',
      'After a restart enough other members must have stored it before the node signs again, so that one identity never runs twice.',
      'Check the connections to the other members; it goes on by itself once they are back.',
    ),
  },
  'node.not-a-member': {
    zh: words(
      '节点不在本届成员名单中',
      '节点只跟随账本，不投票、不签名，也不受理报文。',
      '若应加入，请待其同步并就绪后由成员变更将其列入；若已被替换，请停用。',
    ),
    en: words(
      'The node is not in the list of members',
      'It follows the ledger, and neither votes, signs nor takes anything in.',
      'If it is to join: once it has caught up and is ready, a change of members lists it. If it was replaced, switch it off.',
    ),
  },
  'node.refounded': {
    zh: words(
      '账本已由治理密钥重建',
      '本届已被重建文件终止，节点不再为其签名；其起点之上的区块作废，须重新提交。',
      '请重新启动节点：若其密钥列入新一届，它将以新的共签密钥继续；否则只跟随账本。',
    ),
    en: words(
      'Governance has re-founded the ledger',
      'A re-founding has ended the epoch in which this node was: it signs nothing more in it, and the blocks above its start are void and have to be submitted again.',
      'Start the node again: if the new epoch lists it, it goes on with its new cosign key; otherwise it follows.',
    ),
  },
  'node.recovering': {
    zh: words(
      '节点正在修复',
      '磁盘上的账本有缺损，节点正从其他成员重新获取并核对；期间不投票、不签名。',
      '请保持与其他成员的连接；若长时间不结束，请检查磁盘。',
    ),
    en: words(
      'The node is recovering',
      'The ledger on its disk is damaged; it fetches and checks it again from other members and neither votes nor signs meanwhile.',
      'Keep the connections to other members; if it takes long, check the disk.',
    ),
  },
  'node.retired': {
    zh: words(
      '节点身份已停用',
      '投票或签名登记文件缺失、损坏，或比其他成员所知的更旧；该身份不再签名。',
      '请勿恢复旧磁盘；以新的节点身份重新加入（见运维手册）。',
    ),
    en: words(
      'This node identity is retired',
      'The vote or signing register file is missing, damaged, or older than other members know; this identity signs no more.',
      'Do not restore an old disk; join again under a new node id (see the operating guide).',
    ),
  },
  'node.software-outdated': {
    zh: words(
      '节点软件过旧，已停止',
      '自该高度起生效的记录类型，本软件不认识，无法复核；节点在此之前停止，未对其后的任何区块投票或签名。',
      '请安装认识这些类型的软件版本后重新启动；数据目录无需改动，收据仍然有效。',
    ),
    en: words(
      'The software is too old: the node stopped',
      'Record types are in force from that height on which this software does not know and cannot check. The node stopped before, and has neither voted for nor signed anything above.',
      'Install a version that knows these types and start again. Leave the data directory as it is; receipts given here still hold.',
    ),
  },
  'node.halted': {
    zh: words(
      '节点已停止签名',
      '节点看到了相互矛盾的证书，为免加重后果已停止签名，但仍提供查询。',
      '请立即联系所有成员的负责人，并保存日志与矛盾证据。',
    ),
    en: words(
      'The node has stopped signing',
      'It has seen certificates that contradict each other and signs nothing more, while it keeps serving reads.',
      'Call the people responsible at all members at once; keep the logs and the contradiction.',
    ),
  },
  'node.key-frozen': {
    zh: words(
      '节点的密钥已停用',
      '账本上有本节点密钥的矛盾签名，各成员不再接收其批次，因此节点不再接收报文；复制、签名与查询照常。',
      '请改用其他成员的节点。该成员须查明原因（如同一密钥在两处运行），并由成员更换节点。',
    ),
    en: words(
      'The node’s key is frozen',
      'A fault proof of its key is on the ledger. No member takes its batches, so it takes no statements; it goes on replicating, signing and answering.',
      'Submit through another member. This one finds out why (the key may run in two places), and its node is replaced by a change of members.',
    ),
  },
  'node.disk-full': {
    zh: words(
      '节点磁盘空间不足',
      '可用空间低于保留值，节点不再接收新的签名报文。',
      '请扩容或清理磁盘；恢复后自动继续。',
    ),
    en: words(
      'The node’s disk is nearly full',
      'Free space is below the reserve, so the node takes no new statements.',
      'Make room on the disk; it goes on by itself.',
    ),
  },
  'node.stopping': {
    zh: words('节点正在停止', '节点正在有序关闭，不再接收新的请求。', '请改用其他成员的节点，或稍后重试。'),
    en: words(
      'The node is stopping',
      'It is shutting down in order and takes nothing new.',
      'Use another member’s node, or try again later.',
    ),
  },
  'node.not-ready': {
    zh: words(
      '节点尚未就绪',
      '节点现在不能接收签名报文，本次未保留任何内容；原因见 hindrances 或 /v1/status。',
      '请稍后重试，或改用其他成员的节点；运维人员请按各项原因的办法处理。',
    ),
    en: words(
      'The node is not ready',
      'It cannot take statements now, and kept nothing of this one; hindrances or /v1/status says why.',
      'Try again later or use another member’s node; operators follow the remedy of each hindrance.',
    ),
  },
  'ledger.rules-unknown': {
    zh: words(
      '将有本软件不认识的规则生效',
      '成员已批准新的记录类型，本软件不认识；在其生效高度之前，本节点将停止（见 /v1/types）。',
      '请在该高度之前升级软件；来不及时，q 个成员可以批准更远的高度。',
    ),
    en: words(
      'Rules are coming that this software does not know',
      'The members have scheduled record types that this software does not know. Before the height at which they are in force (see /v1/types) this node will stop.',
      'Change the software before that height. Where time is too short, q members can approve a later one.',
    ),
  },
  'ledger.no-quorum': {
    zh: words(
      '连接的成员不足',
      '能够联系到的成员少于达成共证所需的数目；已接收的签名报文会保留，待恢复后入账。',
      '请检查缺少的成员（/v1/status 的 peers）及网络。',
    ),
    en: words(
      'Too few members connected',
      'Fewer members can be reached than attestation needs; what has a receipt is kept and goes in when they return.',
      'Check the missing members (peers in /v1/status) and the network.',
    ),
  },
  'ledger.no-leader': {
    zh: words(
      '暂无牵头节点',
      '成员正在选出新的牵头节点，通常几秒内完成。',
      '请稍候；若持续不变，请检查与其他成员的连接。',
    ),
    en: words(
      'No leader at the moment',
      'The members are electing a leader; this usually takes seconds.',
      'Wait a little; if it lasts, check the connections to other members.',
    ),
  },
  'ledger.catching-up': {
    zh: words(
      '节点正在补齐账本',
      '本节点落后于其他成员，正在获取并核对缺少的区块。',
      '请稍候；查询结果以 asOf 所示的快照为准。',
    ),
    en: words(
      'The node is catching up',
      'It is behind the other members and fetches and checks the missing blocks.',
      'Wait a little; answers are true as of the checkpoint in asOf.',
    ),
  },
  'ledger.clock-off': {
    zh: words('节点时钟偏差', '本机时钟与其他成员相差过大，区块可能因此被推迟。', '请检查本机的时间同步（NTP）。'),
    en: words(
      'The node’s clock is off',
      'Its clock differs too much from the other members’, which can delay blocks.',
      'Check time synchronisation (NTP) on this host.',
    ),
  },
  'entry.malformed': {
    zh: words(
      '条目格式错误',
      '条目不是账本条目的唯一规范写法。',
      '条目由节点生成；若手中的文件出现此提示，请重新下载。',
    ),
    en: words(
      'Malformed entry',
      'The bytes are not an entry in its one spelling.',
      'Entries are written by nodes; if a file of yours says this, download it again.',
    ),
  },
  'internal.error': {
    zh: words(
      '节点内部错误',
      '节点在处理请求时出错，这不是请求方的问题；同一签名报文可以安全地重新提交。',
      '请稍后重试；若仍出现，请把 requestId 告知本中心的运维人员。',
    ),
    en: words(
      'Internal error',
      'The node failed while handling the request; it is no fault of the caller, and the same statement can be submitted again safely.',
      'Try again later; if it persists, give requestId to the operator of this member.',
    ),
  },
} as const satisfies RefusalTexts

/** A code of this catalogue; the codes of the ledger's rules come beside it, from `Service.refusalTexts()`. */
export type ApiCode = keyof typeof apiTexts

/** This catalogue and the ledger's, together. A code that both declare would be ambiguous: the ledger's words win, a test forbids it. */
export const allTexts = (ledgerTexts: RefusalTexts): RefusalTexts => ({ ...apiTexts, ...ledgerTexts })

/** The words for a code; a code that nobody declared gets the words for "refused", never an error: a refusal must arrive. */
export function textOf(texts: RefusalTexts, code: string): RefusalText {
  return (Object.hasOwn(texts, code) ? texts[code] : undefined) ?? apiTexts['request.refused']
}

/**
 * The language to answer in (RFC 9110 §12.5.4): the first of Chinese and English by weight; Chinese when the header is absent,
 * names neither, or weighs both the same.
 */
export function languageOf(acceptLanguage: string | undefined): Language {
  if (acceptLanguage === undefined || acceptLanguage === '') return 'zh'
  let zh = 0
  let en = 0
  for (const range of acceptLanguage.toLowerCase().split(',', 32)) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weightText = parameters.find((parameter) => parameter.startsWith('q='))
    const weight = weightText === undefined ? 1 : Number(weightText.slice(2))
    if (!(weight >= 0 && weight <= 1)) continue
    if (tag === 'zh' || tag.startsWith('zh-') || tag === '*') zh = Math.max(zh, weight)
    if (tag === 'en' || tag.startsWith('en-')) en = Math.max(en, weight)
  }
  return en > zh ? 'en' : 'zh'
}

export const languageTags: Readonly<Record<Language, string>> = { zh: 'zh-CN', en: 'en' }
