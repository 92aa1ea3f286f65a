import { modelContract } from '#store/model.contract.ts'
import { openMemoryStore } from './memory-store.ts'

// Small slices and few tombstones, so that readers meet every case.
modelContract('the memory store', async () => {
  const store = openMemoryStore({ sliceRows: 7, maxTombstones: 20 })
  return { store, close: () => store[Symbol.asyncDispose]() }
})
