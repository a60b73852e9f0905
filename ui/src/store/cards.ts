/** The fields of a character's card, wherever its version keeps them; a card without a name has the one that the story gave it. */

import type { Json } from "../api/http";

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

export function cardOf(value: Json): Json {
  const card = isObject(value.card) ? value.card : value;
  const fields = isObject(card.data) ? card.data : card;
  return fields.name || !value.name ? fields : { ...fields, name: value.name };
}
