/** The columns of the list of records: what every record has, then the fields of the one type that is listed, or the payload as JSON. */
import type { JsonObject } from '../chain/json.ts'
import type { RecordRow } from './answers.ts'
import { type Column, column, schemaColumns } from './table.ts'

/**
 * @param payloadSchema of the one type that is listed: its fields become columns of their own. Without it the payload is one cell of JSON.
 */
export const recordColumns = (payloadSchema: JsonObject | undefined): readonly Column<RecordRow>[] => [
  ...common,
  ...(payloadSchema === undefined
    ? [column<RecordRow, 'payload'>('payload', '内容', 'Payload', 'text')]
    : schemaColumns<RecordRow>(payloadSchema, ({ payload }) => payload, envelopeFields).map(apart)),
]

/** A field that is named like a column of every record (a bid's own `receivedAt`): a program must be able to tell the two. */
const apart = (field: Column<RecordRow>): Column<RecordRow> =>
  common.some(({ name }) => name === field.name) ? { ...field, name: `payload.${field.name}` } : field

/** The envelope's fields have columns already, or (the ledger) are the same in every row. */
const envelopeFields = new Set(['ledger', 'type', 'party'])

const common: readonly Column<RecordRow>[] = [
  column('index', '条目编号', 'Index', 'bare'),
  column('kind', '种类', 'Kind', 'bare'),
  column('type', '记录类型', 'Type', 'bare'),
  column('status', '状态', 'Status', 'bare'),
  column('statementId', '报文标识', 'Statement id', 'text'),
  column('party', '签署主体', 'Party', 'text'),
  column('keyStanding', '密钥认定', 'Key standing', 'bare'),
  column('member', '接收成员', 'Member', 'text'),
  column('receivedAt', '接收时间（北京时间）', 'Received (Beijing time)', 'bare'),
  column('blockTime', '区块时间（北京时间）', 'Block time (Beijing time)', 'bare'),
  column('height', '区块高度', 'Height', 'bare'),
]
