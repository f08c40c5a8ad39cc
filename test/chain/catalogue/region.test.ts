import { describe, expect, it } from 'vitest'
import { cityOf, covers } from '../../../src/chain/catalogue/region.ts'

describe('regions of GB/T 2260', () => {
  it('lie in each other by their digits', () => {
    expect(covers('440000', '440106')).toBe(true)
    expect(covers('440100', '440106')).toBe(true)
    expect(covers('440106', '440106')).toBe(true)
    expect(covers('440106', '440100')).toBe(false)
    expect(covers('440100', '440600')).toBe(false)
    expect(covers('440000', '450100')).toBe(false)
  })

  it('have a city; the four municipalities are their own', () => {
    expect(cityOf('440106')).toBe('440100')
    expect(cityOf('440100')).toBe('440100')
    expect(cityOf('110108')).toBe('110000')
    expect(cityOf('500233')).toBe('500000')
    expect(cityOf('440000')).toBe('440000')
  })
})
