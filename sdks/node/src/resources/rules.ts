/** `client.rules`: what the organisation gives points and badges for. */

import type { Paged } from '../paging.js';
import type { CallOptions } from '../transport.js';
import type { PageOptions, Rule, RulePage, RuleTemplates } from '../types.js';
import { Resource, pathOf } from './resource.js';

export class Rules extends Resource {
  async get(ruleId: string, options?: CallOptions): Promise<Rule> {
    return this.read(pathOf('/v1/rules/', { rule_id: ruleId }), options);
  }

  list(page: PageOptions = {}, options?: CallOptions): Paged<RulePage, Rule> {
    return this.pages<RulePage, Rule>('/v1/rules', page, ({ rules }) => rules, options);
  }

  /** Ready-made rules that can be switched on. */
  async templates(options?: CallOptions): Promise<RuleTemplates> {
    return this.read('/v1/rules/templates', options);
  }
}
