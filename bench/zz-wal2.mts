import { Packer, openLake, settingsOf } from './sample.ts';
import { generateEvents } from '../backend/src/simulator/index.js';
import { FeederEncoder } from '@armorlake/proto';
import { deflateRawSync } from 'node:zlib';
import { rmSync } from 'node:fs';
const enc=new FeederEncoder();
for (const strip of [false,true]) {
const dir='/tmp/alb-prof/w'; rmSync(dir,{recursive:true,force:true});
const store = await openLake(settingsOf(dir,{checkpointWalBytes:2**40}));
let b=0;
const p=new Packer(1e6); const w0=store.walBytes(); let k=0,i=0,z=0,raw=0;
for (const e of generateEvents({count:8000,rate:20,attackEvery:0})) {
  if (e.stream!=='logs') continue;
  const ev = strip ? {...e, bytes: enc.encodeLog({...e.event, Labels:'', EventData:{}} as never)} : e;
  p.add(ev,Date.now()*1000); i++;
  if (i%40===0) for (const {buffer} of p.take()) { if(!strip){z+=deflateRawSync(new Uint8Array(buffer),{level:1}).length; raw+=buffer.byteLength;} await store.append(++b,buffer,{ledger:[],gaps:[]}); k++; if(k===4||k===12||k===25||k===50||k===51||k===75||k===100) console.log(strip,k*40,'rows',((store.walBytes()-w0)/k/40).toFixed(0),'B/row so far'); }
}
if(!strip) console.log('deflate level 1 of packed batches of 40 rows:',(z/i).toFixed(0),'B/row of',(raw/i).toFixed(0));
await store.close(); }
