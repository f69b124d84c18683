/** `client.rules`: what the organisation gives points and badges for. */

import type { Paged } from '../paging.js';
import type { CallOptions } from '../transport.js';
import type { Rule, RuleFilter, RulePage, RuleTemplate, RuleTemplatePage } from '../types.js';
import { Resource, pathOf } from './resource.js';

export class Rules extends Resource {
  /** A rule as it stands, or as it was in a version. */
  async get(
    ruleId: string,
    which: { readonly version?: number | undefined } = {},
    options?: CallOptions,
  ): Promise<Rule> {
    return this.read(pathOf('/v1/rules/', { rule_id: ruleId }), options, which);
  }

  /** Rules by priority, and then by their ids. */
  list(filter: RuleFilter = {}, options?: CallOptions): Paged<RulePage, Rule> {
    return this.pages<RulePage, Rule>('/v1/rules', filter, ({ rules }) => rules, options);
  }

  /** Ready-made rules that can be switched on. */
  templates(options?: CallOptions): Paged<RuleTemplatePage, RuleTemplate> {
    return this.pages<RuleTemplatePage, RuleTemplate>(
      '/v1/rules/templates',
      {},
      ({ templates }) => templates,
      options,
    );
  }
}
