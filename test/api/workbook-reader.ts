/**
 * Reads an XLSX file back, as strictly as the tests need: the ZIP by its central directory, with every checksum; the sheets cell by cell,
 * each with its kind, so that a test can tell a text from a number and from a formula.
 */
import { crc32, inflateRawSync } from 'node:zlib'

export interface Cell {
  /** As `t` says: `inlineStr` and `s` are texts, `n` a number, `b` true or false. */
  readonly kind: string
  readonly value: string
  /** Number format id of its style; 49 is text. */
  readonly format: number
  readonly formula: boolean
}

export type Sheet = readonly (readonly (Cell | undefined)[])[]

/** The parts of a ZIP file by name, in order. @throws when it is not whole */
export function unzip(file: Uint8Array): Map<string, Buffer> {
  const bytes = Buffer.from(file)
  const end = bytes.length - 22
  if (bytes.readUInt32LE(end) !== 0x06054b50) throw new Error('no end of a ZIP file')
  const parts = new Map<string, Buffer>()
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    if (bytes.readUInt32LE(at) !== 0x02014b50) throw new Error('no entry of a directory')
    const [method, checksum] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 16)]
    const [packed, size] = [bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 24)]
    const [nameLength, extraLength] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30)]
    const local = bytes.readUInt32LE(at + 42)
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength)
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
    const data = bytes.subarray(start, start + packed)
    const content = method === 8 ? inflateRawSync(data) : data
    if (content.length !== size || crc32(content) !== checksum) throw new Error(`${name} is damaged`)
    parts.set(name, content)
    at += 46 + nameLength + extraLength
  }
  return parts
}

/** All sheets by name. */
export function readWorkbook(file: Uint8Array): Map<string, Sheet> {
  const parts = unzip(file)
  const text = (name: string): string => parts.get(name)?.toString('utf8') ?? ''
  const formats = [
    ...(/<cellXfs[^>]*>(.*)<\/cellXfs>/s.exec(text('xl/styles.xml'))?.[1] ?? '').matchAll(/<xf numFmtId="(\d+)"/g),
  ].map(([, id]) => Number(id))
  const names = [...text('xl/workbook.xml').matchAll(/<sheet name="([^"]*)"/g)].map(([, name]) => name!)
  return new Map(names.map((name, at) => [name, readSheet(text(`xl/worksheets/sheet${at + 1}.xml`), formats)]))
}

function readSheet(xml: string, formats: readonly number[]): Sheet {
  return [...xml.matchAll(/<row r="(\d+)">(.*?)<\/row>/gs)].map(([, number, cells], at) => {
    if (Number(number) !== at + 1) throw new Error(`row ${number} is the ${at + 1}th`)
    const row: (Cell | undefined)[] = []
    for (const [, letters, place, attributes, inside] of cells!.matchAll(/<c r="([A-Z]+)(\d+)"([^>]*)>(.*?)<\/c>/gs)) {
      if (place !== number) throw new Error(`${letters}${place} stands in row ${number}`)
      const column = [...letters!].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1
      row[column] = {
        kind: / t="(\w+)"/.exec(attributes!)?.[1] ?? 'n',
        value: unescaped(/<(?:t|v)(?: [^>]*)?>(.*)<\/(?:t|v)>/s.exec(inside!)?.[1] ?? ''),
        format: formats[Number(/ s="(\d+)"/.exec(attributes!)?.[1] ?? 0)] ?? Number.NaN,
        formula: inside!.includes('<f'),
      }
    }
    return row
  })
}

/** XML first, then SpreadsheetML's `_x000D_`. */
const unescaped = (text: string): string =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
