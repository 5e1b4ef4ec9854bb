export interface Workspace {
  id: string;
  name: string;
  routing: 'random' | 'weighted' | 'cheapest';
  defaultFrom: string | null;
  createdAt: number;
}

export type Role = 'owner' | 'admin' | 'editor' | 'viewer';
