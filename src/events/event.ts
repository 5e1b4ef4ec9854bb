/** What happened, in the words of the API. Events are appended by the transaction in which they became true. */
export type EventType =
  | 'message.accepted'
  | 'message.sent'
  | 'message.captured'
  | 'message.deferred'
  | 'message.bounced'
  | 'message.failed'
  | 'message.uncertain'
  | 'message.blocked'
  | 'message.cancelled'
  | 'message.expired'
  | 'suppression.added'
  | 'suppression.lifted'
  | 'contact.created'
  | 'contact.resubscribed'
  | 'contact.event';

export interface NewEvent {
  workspaceId: string;
  type: EventType;
  messageId?: string;
  contactId?: string;
  at: number;
  detail?: Record<string, unknown>;
}

export interface RecordedEvent {
  id: string;
  type: EventType;
  at: number;
  detail: Record<string, unknown>;
}
