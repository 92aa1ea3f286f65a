import fs from 'node:fs'
import { corpusMessages } from '#testing/corpus.ts'
corpusMessages().forEach((m,i)=>{fs.writeFileSync(`/tmp/dv/Maildir/cur/${1700000000+i}.M${i}P1.h:2,`, m.bytes.toString('latin1').replace(/\r?\n/g,'\r\n'),'latin1')})
