export { createInbox, Events, headers, StorageType } from 'nats';
export type {
  ConnectionOptions,
  Msg,
  NatsConnection,
  Service,
  ServiceIdentity,
  Status,
  Subscription,
} from 'nats';
export { connect } from './connect.ts';
export { CredentialsError, readCredentials, type CredentialFiles } from './credentials.ts';
export {
  isNoResponders,
  isNoRespondersError,
  natsFault,
  natsFaultByCode,
  type NatsFault,
  type NatsFaultKind,
} from './errors.ts';
export {
  addService,
  type ServiceEndpoint,
  serviceInstances,
  type ServiceOptions,
} from './service.ts';
