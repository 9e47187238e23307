// The log-in to the brokers: a user with a password, or bearer tokens.
import { z } from 'zod';
import { httpUrl, pairs, secret, text } from './values.ts';

const oauthbearer = z.strictObject({
  token_endpoint_url: httpUrl().meta({
    description: 'Where tokens are got by client credentials; through HTTPS_PROXY and NO_PROXY of the environment.',
    example: 'https://idp.example.com/oauth2/token',
  }),
  client_id: text().meta({ description: 'Client id, sent as Basic.', from_file: true, example: 'harvest-kafka' }),
  client_secret: secret('${KAFKA_CLIENT_SECRET}').describe('Client secret.'),
  scope: text().optional().meta({ description: 'Scope to ask for, if the endpoint wants one.', example: 'kafka' }),
  extensions: pairs()
    .optional()
    .meta({ example: 'logicalCluster=lkc-abc123,identityPoolId=pool-abc1' })
    .describe('Said to the broker beside the token, as name=value with commas; Confluent Cloud asks for some.'),
});

const aws_msk_iam = z.strictObject({
  region: text().meta({ description: 'The AWS region of the cluster.', example: 'eu-central-1' }),
});

type Given = { readonly [key in 'mechanism' | 'username' | 'password' | 'oauthbearer' | 'aws_msk_iam']?: unknown };

const isBearer = ({ mechanism }: Given) => mechanism === 'oauthbearer';
/** Told beside what else is wrong in the section. */
const when = () => true;

export const sasl = z
  .strictObject({
    mechanism: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])
      .meta({ description: 'How to log in.', example: 'scram-sha-512' }),
    username: text().optional().meta({
      description: 'User name; none for oauthbearer.',
      from_file: true,
      usual: true,
      example: 'harvest-kafka',
    }),
    password: secret('${KAFKA_PASSWORD}').optional().meta({ usual: true }).describe('Password; none for oauthbearer.'),
    oauthbearer: oauthbearer.optional().describe('Tokens of a token endpoint, for mechanism oauthbearer.'),
    aws_msk_iam: aws_msk_iam
      .optional()
      .describe('Tokens for Amazon MSK, for mechanism oauthbearer; needs the package aws-msk-iam-sasl-signer-js.'),
  })
  .refine((given) => isBearer(given) || given.username !== undefined, {
    error: 'is required',
    path: ['username'],
    when,
  })
  .refine((given) => isBearer(given) || given.password !== undefined, {
    error: 'is required',
    path: ['password'],
    when,
  })
  .refine((given) => isBearer(given) || !(given.oauthbearer || given.aws_msk_iam), {
    error: 'has tokens, which need mechanism: oauthbearer',
    when,
  })
  .refine((given) => !isBearer(given) || Boolean(given.oauthbearer) !== Boolean(given.aws_msk_iam), {
    error: 'needs either oauthbearer or aws_msk_iam for its tokens',
    when,
  })
  .refine((given) => !isBearer(given) || (given.username ?? given.password) === undefined, {
    error: 'has a user, which oauthbearer does not take',
    when,
  });
