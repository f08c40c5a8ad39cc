/** Findings as rows of the state: what the rules flagged about a record, under the record's index; the same on every member. */
import { field } from '../cbor.ts'
import type { StateReader, StateWriter } from '../state.ts'
import type { Finding } from './statement-type.ts'

const findingRowName = (index: number): string => `finding/${index}`

export function writeFindings(state: StateWriter, index: number, findings: readonly Finding[]): void {
  state.set(findingRowName(index), [1, findings.map(({ code, values }) => [code, values])])
}

/** Empty when the record has none. */
export function findingsOf(state: StateReader, index: number): readonly Finding[] {
  const row = state.get(findingRowName(index))
  if (row === undefined) return []
  return field.array(field.array(row, 'finding row', 2)[1], 'findings').map((item) => {
    const [code, values] = field.array(item, 'finding', 2)
    return {
      code: field.text(code, 'code'),
      values: field.array(values, 'values').map((value) => field.text(value, 'value')),
    }
  })
}
