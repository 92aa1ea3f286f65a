import { registryContract } from './registry.contract.ts'

registryContract((local) => ({ registry: local, end: () => undefined }))
