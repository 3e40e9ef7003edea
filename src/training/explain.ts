// A recipe with what each of its fields means.
import { fieldsOf, type SchemaField } from '../common/schema-fields.js';
import type { Extensions } from './extensions.js';
import { type Recipe, recipeSchemaOf } from './recipe.js';

/** Every field of a recipe, in the order of `recipe.json`: value, default, description, and the words that it takes where those are few. */
export function explainRecipe(recipe: Recipe, extensions?: Extensions): SchemaField[] {
  return fieldsOf(recipeSchemaOf(extensions), recipe);
}
