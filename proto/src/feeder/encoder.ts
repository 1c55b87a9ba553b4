import { ScalarType } from '@bufbuild/protobuf';
import type { DescField } from '@bufbuild/protobuf';
import { AlertSchema, LogSchema, MessageSchema } from '../gen/feeder/kubearmor_pb.js';

/** KubeArmor's own message with its own field names, as `karmor logs --json` prints it; what is left out is unset. */
export interface MessageFields {
  readonly Timestamp?: number;
  readonly UpdatedTime?: string;
  readonly ClusterName?: string;
  readonly HostName?: string;
  readonly HostIP?: string;
  readonly Type?: string;
  readonly Level?: string;
  readonly Message?: string;
}

/** A log with KubeArmor's own field names, as `karmor logs --json` prints it; what is left out is unset. */
export interface LogFields {
  /** Unix seconds, not negative. */
  readonly Timestamp?: number;
  readonly UpdatedTime?: string;
  readonly ClusterName?: string;
  readonly HostName?: string;
  readonly NamespaceName?: string;
  readonly PodName?: string;
  readonly ContainerID?: string;
  readonly ContainerName?: string;
  readonly HostPID?: number;
  readonly PPID?: number;
  readonly PID?: number;
  readonly UID?: number;
  readonly Type?: string;
  readonly Source?: string;
  readonly Operation?: string;
  readonly Resource?: string;
  readonly Data?: string;
  readonly Result?: string;
  readonly ContainerImage?: string;
  readonly ParentProcessName?: string;
  readonly ProcessName?: string;
  readonly HostPPID?: number;
  readonly Labels?: string;
  readonly Owner?: { readonly Ref?: string; readonly Name?: string; readonly Namespace?: string };
  readonly Cwd?: string;
  readonly TTY?: string;
  readonly ExecEvent?: { readonly ExecID?: string; readonly ExecutableName?: string };
  readonly NodeID?: string;
  readonly ProcessHash?: string;
  readonly ParentHash?: string;
  readonly ResourceHash?: string;
  readonly HashAlgo?: string;
  readonly EventData?: Readonly<Record<string, string>>;
  readonly UserName?: string;
}

/** An alert with KubeArmor's own field names, as `karmor logs --json` prints it; what is left out is unset. */
export interface AlertFields extends LogFields {
  readonly PolicyName?: string;
  readonly Severity?: string;
  readonly Tags?: string;
  readonly Message?: string;
  readonly Action?: string;
  readonly Enforcer?: string;
  readonly ATags?: readonly string[];
  readonly MaxAlertsPerSec?: number;
  readonly DroppingAlertsInterval?: number;
  readonly KubeArmorVersion?: string;
}

type Kind = 'number' | 'text' | 'texts' | 'pairs' | 'message';

interface PlannedField {
  readonly name: string;
  /** Field number << 3 | wire type. */
  readonly tag: number;
  readonly kind: Kind;
  readonly nested: Plan;
}

type Plan = readonly PlannedField[];

const FIRST_SIZE = 4096;

/**
 * Encodes KubeArmor's messages from plain objects, byte for byte as the generated code does; the counterpart of
 * FeederDecoder for whoever plays KubeArmor. Each call gives a Buffer of its own.
 */
export class FeederEncoder {
  readonly #log = planOf(LogSchema.fields);
  readonly #alert = planOf(AlertSchema.fields);
  readonly #message = planOf(MessageSchema.fields);
  #bytes = Buffer.allocUnsafe(FIRST_SIZE);
  #at = 0;

  encodeLog(log: LogFields): Buffer {
    return this.#encode(this.#log, log);
  }

  encodeAlert(alert: AlertFields): Buffer {
    return this.#encode(this.#alert, alert);
  }

  encodeMessage(message: MessageFields): Buffer {
    return this.#encode(this.#message, message);
  }

  #encode(plan: Plan, event: object): Buffer {
    this.#at = 0;
    this.#fields(plan, event);
    return Buffer.from(this.#bytes.subarray(0, this.#at));
  }

  #fields(plan: Plan, event: object): void {
    const values = event as Readonly<Record<string, unknown>>;
    for (const { name, tag, kind, nested } of plan) {
      const value = values[name];
      switch (kind) {
        case 'text':
          if (typeof value === 'string' && value !== '') this.#text(tag, value);
          break;
        case 'number':
          if (typeof value === 'number' && value !== 0) this.#number(tag, value);
          break;
        case 'texts':
          if (Array.isArray(value)) for (const each of value) this.#text(tag, String(each));
          break;
        case 'pairs':
          if (isObject(value)) for (const [key, text] of Object.entries(value)) this.#pair(tag, key, String(text));
          break;
        case 'message':
          if (isObject(value)) {
            this.#lengthDelimited(tag, () => {
              this.#fields(nested, value);
            });
          }
          break;
      }
    }
  }

  #text(tag: number, text: string): void {
    // Up to three bytes a UTF-16 unit, tag and length.
    this.#reserve(text.length * 3 + 10);
    this.#varint(tag);
    const lengthAt = this.#at;
    // The length takes one byte below 128, which is nearly always; else the text moves up.
    const written = this.#bytes.write(text, lengthAt + 1);
    if (written < 0x80) {
      this.#bytes[lengthAt] = written;
      this.#at = lengthAt + 1 + written;
      return;
    }
    this.#moveForLength(lengthAt, written);
  }

  #pair(tag: number, key: string, value: string): void {
    this.#lengthDelimited(tag, () => {
      this.#text((1 << 3) | 2, key);
      this.#text((2 << 3) | 2, value);
    });
  }

  #lengthDelimited(tag: number, content: () => void): void {
    this.#reserve(10);
    this.#varint(tag);
    const lengthAt = this.#at;
    this.#at += 1;
    content();
    const length = this.#at - lengthAt - 1;
    if (length < 0x80) this.#bytes[lengthAt] = length;
    else {
      this.#reserve(10);
      this.#moveForLength(lengthAt, length);
    }
  }

  /** Makes room for a length of several bytes at `lengthAt`, where only one was left free. */
  #moveForLength(lengthAt: number, length: number): void {
    let size = 1;
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) size += 1;
    this.#bytes.copyWithin(lengthAt + size, lengthAt + 1, lengthAt + 1 + length);
    this.#at = lengthAt;
    this.#varint(length);
    this.#at += length;
  }

  #number(tag: number, value: number): void {
    this.#reserve(20);
    this.#varint(tag);
    if (value < 0) {
      // Sign-extended to 64 bits, as protobuf wants int32.
      let rest = BigInt.asUintN(64, BigInt(value));
      while (rest >= 0x80n) {
        this.#byte(Number(rest & 0x7fn) | 0x80);
        rest >>= 7n;
      }
      this.#byte(Number(rest));
      return;
    }
    this.#varint(value);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** The fields of a message, from its descriptor, so that the numbers stand in the .proto only. */
function planOf(fields: readonly DescField[]): Plan {
  return fields.map((field) => {
    const kind = kindOf(field);
    return {
      name: field.localName,
      tag: (field.number << 3) | (kind === 'number' ? 0 : 2),
      kind,
      nested: field.fieldKind === 'message' ? planOf(field.message.fields) : [],
    };
  });
}

function kindOf(field: DescField): Kind {
  if (field.fieldKind === 'map') return 'pairs';
  if (field.fieldKind === 'list') return 'texts';
  if (field.fieldKind === 'message') return 'message';
  return field.scalar === ScalarType.STRING ? 'text' : 'number';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
