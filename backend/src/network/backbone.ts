import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { network } from '@armorlake/proto';
import type { ErrorShape } from '../core/index.js';
import type { NodeRole } from './types.js';

export type JoinRequest = MessageShape<typeof network.JoinRequestSchema>;
export type JoinResponse = MessageShape<typeof network.JoinResponseSchema>;
export type DeliverRequest = MessageShape<typeof network.DeliverRequestSchema>;
export type DeliverResponse = MessageShape<typeof network.DeliverResponseSchema>;
export type WatchResponse = MessageShape<typeof network.WatchResponseSchema>;
export type RelayRequest = MessageShape<typeof network.RelayRequestSchema>;
export type RelayResponse = MessageShape<typeof network.RelayResponseSchema>;

export type JoinRequestInit = MessageInitShape<typeof network.JoinRequestSchema>;
export type JoinResponseInit = MessageInitShape<typeof network.JoinResponseSchema>;
export type DeliverRequestInit = MessageInitShape<typeof network.DeliverRequestSchema>;
export type DeliverResponseInit = MessageInitShape<typeof network.DeliverResponseSchema>;
export type WatchRequestInit = MessageInitShape<typeof network.WatchRequestSchema>;
export type WatchRequest = MessageShape<typeof network.WatchRequestSchema>;
export type WatchResponseInit = MessageInitShape<typeof network.WatchResponseSchema>;
export type RelayRequestInit = MessageInitShape<typeof network.RelayRequestSchema>;
export type RelayResponseInit = MessageInitShape<typeof network.RelayResponseSchema>;

export interface StreamHandlers<In> {
  message(message: In): void;
  /** Once, when the other side ended the stream (null) or it broke; never after `close`. */
  closed(error: ErrorShape | null): void;
}

/** Messages both ways, in order, none twice; a break ends the stream and may lose what was under way. */
export interface MessageStream<Out, In> {
  /** Resolves when more may be sent without piling up; at once when the stream has ended. */
  send(message: Out): Promise<void>;
  /** Called once; what came before is given first. */
  handle(handlers: StreamHandlers<In>): void;
  /** Ends the stream, at the hub's side after what was sent; nothing is given to the handlers from then on. */
  close(error?: ErrorShape): void;
}

/** One hub, as the nodes that dialled it see it. */
export interface HubDial {
  join(): MessageStream<JoinRequestInit, JoinResponse>;
  deliver(): MessageStream<DeliverRequestInit, DeliverResponse>;
  watch(request: WatchRequestInit): MessageStream<never, WatchResponse>;
  relay(): MessageStream<RelayRequestInit, RelayResponse>;
  /** @throws ArmorlakeError with the hub's reason, or NOT_READY when it can't be reached */
  forget(name: string, signal: AbortSignal): Promise<void>;
  /** Ends what is open. */
  close(): void;
}

/** Who opened a stream, as far as the transport can prove it. */
export interface Caller {
  /** Null where the transport runs without certificates. */
  readonly certificate: { readonly name: string; readonly role: NodeRole } | null;
  /** For logs. */
  readonly address: string;
}

/** What a hub does with the streams that are opened to it. */
export interface HubService {
  join(stream: MessageStream<JoinResponseInit, JoinRequest>, caller: Caller): void;
  deliver(stream: MessageStream<DeliverResponseInit, DeliverRequest>, caller: Caller): void;
  watch(request: WatchRequest, stream: MessageStream<WatchResponseInit, never>, caller: Caller): void;
  relay(stream: MessageStream<RelayResponseInit, RelayRequest>, caller: Caller): void;
  /** @throws ArmorlakeError FORBIDDEN, NOT_FOUND, CONFLICT */
  forget(name: string, caller: Caller): Promise<void>;
}

export interface HubTarget {
  readonly host: string;
  readonly port: number;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What carries the network's streams. All of them are opened by the node that joins or asks, towards a hub. */
export interface Backbone {
  /** @throws ArmorlakeError BAD_CONFIG when this node's own certificate can't be used there; nothing is sent yet */
  dial(target: HubTarget): HubDial;
  listen(service: HubService): Promise<Listening>;
}

/** `HOST:PORT`, as people write it. */
export function addressOf({ host, port }: HubTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
